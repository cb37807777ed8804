import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { hasRelaxedSimd, load, type Progress, type Source } from "likewise-runtime";
import {
  assertBits,
  assertFault,
  bytesOf,
  caseOf,
  feedsOf,
  moduleWith,
  pathOf,
  served,
} from "./helpers.js";

const MIME = { "content-type": "application/wasm" };
const SECTION = { version: 1, numerics: "strict", source_sha256: "", golden: {}, inputs: [] };
const OURS = "a module that `likewise compile` wrote is needed";

describe("sources", () => {
  const bytes = bytesOf("relu");
  const sources: { [name: string]: () => Source | WebAssembly.Module } = {
    "a path": () => pathOf("relu"),
    "a file's address": () => pathToFileURL(pathOf("relu")),
    "a file's address as text": () => pathToFileURL(pathOf("relu")).href,
    bytes: () => bytes,
    "an ArrayBuffer": () => bytes.buffer,
    "a part of a buffer": () => Uint8Array.of(1, 2, 3, ...bytes).subarray(3),
    "a Blob": () => new Blob([bytes]),
    "a Blob of the right type": () => new Blob([bytes], { type: "application/wasm" }),
    "a Response": () => new Response(bytes),
    "the promise of a Response": () => Promise.resolve(new Response(bytes, { headers: MIME })),
    "a data address": () => `data:application/wasm;base64,${Buffer.from(bytes).toString("base64")}`,
    "compiled code": () => new WebAssembly.Module(bytes),
  };
  for (const [name, source] of Object.entries(sources)) {
    test(name, async () => {
      const model = await load(source());
      assertBits(model.run(feedsOf(model, caseOf("relu"))), caseOf("relu").outputs);
    });
  }

  test("an address, whatever type the server says", async (t) => {
    for (const type of ["application/wasm", "application/octet-stream"]) {
      const address = await served(t, (_, answer) => {
        answer.writeHead(200, { "content-type": type }).end(bytes);
      });
      for (const source of [address, new URL(address), new Request(address), fetch(address)]) {
        equal((await load(source)).numerics, "strict");
      }
    }
  });

  test("anything else", async () => {
    const rows: [unknown, string][] = [
      [7, "given: Number; allowed: an address, a Response"],
      [null, "given: Null;"],
      [undefined, "given: Undefined;"],
      [{}, "given: Object;"],
    ];
    for (const [source, message] of rows) {
      await assertFault(() => load(source as Source), "InputError", message);
    }
  });
});

test("Node does not go idle while it compiles", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
  const before = timers();
  const model = load(bytesOf("relu"));
  equal(timers(), before + 1);
  await model;
  equal(timers(), before);
  await rejects(load(new Uint8Array(8)));
  equal(timers(), before);
});

describe("progress", () => {
  const bytes = bytesOf("relu");
  const half = bytes.length >> 1;
  const reported = async (source: Source) => {
    const found: Progress[] = [];
    await load(source, { onProgress: (progress) => found.push(progress) });
    return found;
  };

  test("counts what has arrived, of how much", async (t) => {
    const address = await served(t, (_, answer) => {
      answer.writeHead(200, { "content-length": bytes.length, ...MIME });
      answer.write(bytes.subarray(0, half));
      setTimeout(() => answer.end(bytes.subarray(half)), 50);
    });
    const found = await reported(address);
    equal(found[0]?.loaded, half);
    deepEqual(found.at(-1), { loaded: bytes.length, total: bytes.length });
  });

  test("knows no total where the content is compressed or its length unknown", async (t) => {
    const address = await served(t, (_, answer) => {
      answer.writeHead(200, { "content-encoding": "gzip", ...MIME }).end(gzipSync(bytes));
    });
    deepEqual((await reported(address)).at(-1), { loaded: bytes.length, total: undefined });
    deepEqual(await reported(new Response(bytes)), [{ loaded: bytes.length, total: undefined }]);
  });

  test("comes once for what is at hand", async () => {
    const all = { loaded: bytes.length, total: bytes.length };
    deepEqual(await reported(bytes), [all]);
    deepEqual(await reported(pathOf("relu")), [all]);
    deepEqual(await reported(new Blob([bytes])), [all]);
  });

  test("that fails stops the loading with its own error", async () => {
    const onProgress = () => {
      throw new RangeError("mine");
    };
    for (const source of [bytes, new Response(bytes)]) {
      await rejects(load(source, { onProgress }), { name: "RangeError", message: "mine" });
    }
  });
});

describe("abort", () => {
  test("stops a download and closes its connection", { timeout: 5000 }, async (t) => {
    for (const onProgress of [undefined, () => {}]) {
      const closed = later();
      const begun = later();
      const address = await served(t, (_, answer) => {
        answer.writeHead(200, { "content-length": 1000, ...MIME });
        answer.write(bytesOf("relu").subarray(0, 100), () => begun.resolve());
        answer.on("close", () => closed.resolve());
      });
      const stop = new AbortController();
      const loading = load(address, { signal: stop.signal, onProgress });
      await begun.promise;
      stop.abort();
      await rejects(loading, { name: "AbortError" });
      await closed.promise;
    }
  });

  test("stops the reading of a response that is another's", { timeout: 5000 }, async () => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(bytesOf("relu").subarray(0, 100)),
    });
    const stop = new AbortController();
    const loading = load(new Response(body, { headers: MIME }), { signal: stop.signal });
    setTimeout(() => stop.abort(new Error("enough")), 20);
    await rejects(loading, { message: "enough" });
  });

  test("before the beginning", async () => {
    const signal = AbortSignal.abort();
    for (const source of [pathOf("relu"), bytesOf("relu"), "http://127.0.0.1:9/"]) {
      await rejects(load(source, { signal }), { name: "AbortError" });
    }
  });
});

describe("downloads that fail", () => {
  test("name the address and what to check", async (t) => {
    const address = await served(t, (_, answer) => answer.writeHead(404).end("no"));
    const message = `${address}: the module cannot be read; given: HTTP 404; check the address`;
    await assertFault(() => load(address), "DownloadError", message);
    await assertFault(() => load(fetch(address)), "DownloadError", message);
  });

  test("because nothing answers", async () => {
    const act = () => load("http://127.0.0.1:9/m.wasm");
    await assertFault(act, "DownloadError", "http://127.0.0.1:9/m.wasm: ", "CORS");
  });

  test("because there is no such file", async () => {
    const act = () => load("nowhere/m.wasm");
    await assertFault(act, "DownloadError", "nowhere/m.wasm: the module cannot be read", "ENOENT");
  });

  test("in the middle", async (t) => {
    const address = await served(t, (_, answer) => {
      answer.writeHead(200, { "content-length": 1000, ...MIME });
      answer.write(bytesOf("relu").subarray(0, 100), () => setTimeout(() => answer.destroy(), 20));
    });
    const broke = [`${address}: the download broke off`, "try again"];
    await assertFault(() => load(address), "DownloadError", ...broke);
    const onProgress = () => {};
    const act = () => load(address, { onProgress });
    await assertFault(act, "DownloadError", ...broke, "after 100 of 1000 bytes");
  });

  test("because the response was read already", async () => {
    const response = new Response(bytesOf("relu"));
    await response.arrayBuffer();
    await assertFault(() => load(response), "InputError", "was read already; pass its `clone()`");
  });
});

describe("bytes that are no module of ours", () => {
  const rows: [string, Uint8Array<ArrayBuffer>, string[]][] = [
    ["nothing", new Uint8Array(), []],
    ["a page", text("<!DOCTYPE html>"), ['they begin with "<!DOCTYPE ht"; this is a page']],
    ["a text", text("\0\x01"), ['they begin with "\\u0000\\u0001"', OURS]],
    ["another module", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), ["has no section `likewise`"]],
    [
      "a truncated module",
      bytesOf("relu").slice(0, 300),
      ["this engine cannot compile the module"],
    ],
    ["no JSON", moduleWith("{"), ["the section `likewise` is broken", OURS]],
    ["no object", moduleWith("null"), ["the section `likewise` is broken"]],
    ["no ports", moduleWith(SECTION), ["the section `likewise` is broken"]],
    ["a later version", moduleWith({ version: 2 }), ["given: section version 2; allowed: 1"]],
    ["weights outside", withPort({}, { weights: { offset: 65536, bytes: 1 } }), ["is broken"]],
    ["another type", withPort({ dtype: "string" }), ["is broken", OURS]],
    ["a wrong size", withPort({ bytes: 9 }), ["port y: float[2] in 9 bytes"]],
    ["no shape", withPort({ shape: undefined }), ["is broken"]],
    ["a shape of texts", withPort({ shape: ["a"] }), ["port y: float[a] in 8 bytes"]],
    ["a place outside", withPort({ offset: 65532 }), ["is broken"]],
    ["a crooked place", withPort({ offset: 2 }), ["is broken"]],
    ["no such axis", withPort({ length: { offset: 0, axis: 1 } }), ["port y"]],
    ["a length outside", withPort({ length: { offset: 65536, axis: 0 } }), ["is broken"]],
  ];
  for (const [name, bytes, parts] of rows) {
    test(name, async () => {
      await assertFault(() => load(bytes), "ModelError", ...parts);
      await assertFault(() => load(new Response(bytes)), "ModelError", ...parts);
    });
  }
});

describe("a module that the engine refuses", () => {
  const broken = bytesOf("relu").slice(0, -20);
  const plain = () => load(broken, { fallback: pathOf("fused.plain") });

  test("is replaced by its twin", async () => {
    const model = await plain();
    const plainAnswer = caseOf("fused").plain ?? {};
    assertBits(model.run(feedsOf(model, caseOf("fused"))), plainAnswer);
  });

  test("is not asked for where relaxed SIMD is missing", async () => {
    if (hasRelaxedSimd()) {
      const { validate } = WebAssembly;
      WebAssembly.validate = () => false;
      try {
        equal((await load("nowhere.wasm", { fallback: pathOf("fused.plain") })).numerics, "strict");
        await assertFault(
          () => load(broken),
          "ModelError",
          "give the plain-SIMD twin as `fallback`",
        );
      } finally {
        WebAssembly.validate = validate;
      }
    } else {
      ok(await load("nowhere.wasm", { fallback: pathOf("fused.plain") }));
    }
  });

  test("is no reason to hide what else is wrong", async () => {
    const options = { fallback: pathOf("relu") };
    if (hasRelaxedSimd()) {
      await assertFault(() => load("nowhere.wasm", options), "DownloadError", "nowhere.wasm");
    }
  });
});

function text(content: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(content));
}

function withPort(port: object, fields: object = {}): Uint8Array<ArrayBuffer> {
  const right = { name: "y", dtype: "float", shape: [2], offset: 64, bytes: 8 };
  return moduleWith({ ...SECTION, outputs: [{ ...right, ...port }], ...fields });
}

function later(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
