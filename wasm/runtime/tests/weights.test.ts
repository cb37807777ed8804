import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { hasRelaxedSimd, load, type Model, type Progress, type Source } from "likewise-runtime";
import { assertBits, assertFault, bytesOf, caseOf, feedsOf, pathOf, served } from "./helpers.js";

const CASE = caseOf("weighted");
/** Of the twins the one that this Node can run. */
const NAME = hasRelaxedSimd() ? "weighted" : "weighted.plain";
const MODULE = bytesOf(NAME);
const PATH = pathOf("weighted").replace(/wasm$/, "weights");
const WEIGHTS = Uint8Array.from(readFileSync(PATH));
const FOLDER = mkdtempSync(join(tmpdir(), "likewise-"));
after(() => rmSync(FOLDER, { recursive: true }));

function assertRight(model: Model): void {
  const expected = model.numerics === "fast" ? CASE.outputs : CASE.plain;
  assertBits(model.run(feedsOf(model, CASE)), expected ?? {});
}

function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A server of module and weights; it counts what it was asked for. */
async function site(t: Parameters<typeof served>[0], headers: object = {}, weights = WEIGHTS) {
  const asked: string[] = [];
  const address = await served(t, (request, answer) => {
    asked.push(request.url ?? "");
    const body = request.url?.includes("weights") ? weights : MODULE;
    answer.writeHead(200, { "content-length": body.length, ...headers }).end(body);
  });
  return { address, asked };
}

describe("weights beside the module", () => {
  test("of a path, an address of a file, a server's address", async (t) => {
    const { address, asked } = await site(t);
    const request = new Request(address);
    const sources = [pathOf(NAME), pathToFileURL(pathOf(NAME)), address, request, fetch(address)];
    for (const source of sources) assertRight(await load(source));
    assertRight(await load(new URL(`${address}?v=1#top`)));
    equal(asked.filter((url) => url === "/weighted.weights").length, 4);
  });

  test("are shared by the twins", async () => {
    const broken = MODULE.slice(0, -10);
    const model = await load(broken, { fallback: pathOf("weighted.plain") });
    equal(model.numerics, "strict");
    assertRight(model);
  });

  test("are named by a module that was renamed", async () => {
    copyFileSync(pathOf(NAME), join(FOLDER, "other name.wasm"));
    copyFileSync(PATH, join(FOLDER, "weighted.weights"));
    assertRight(await load(join(FOLDER, "other name.wasm")));
  });
});

describe("weights from elsewhere", () => {
  const sources: { [name: string]: () => Source } = {
    "a path": () => PATH,
    "a file's address": () => pathToFileURL(PATH),
    bytes: () => WEIGHTS,
    "a part of a buffer": () => joined(Uint8Array.of(1, 2, 3), WEIGHTS).subarray(3),
    "a Blob": () => new Blob([WEIGHTS]),
    "a Response": () => new Response(WEIGHTS),
    "the promise of a Response": () => Promise.resolve(new Response(WEIGHTS)),
  };
  for (const [name, weights] of Object.entries(sources)) {
    test(name, async () => assertRight(await load(MODULE, { weights: weights() })));
  }

  test("for compiled code, in every instance", async () => {
    const { module } = await load(pathOf(NAME));
    assertRight(await load(module, { weights: WEIGHTS }));
  });

  test("are not looked at where they stand inside", async () => {
    ok(await load(pathOf("relu"), { weights: "nowhere.weights" }));
    ok(await load(pathOf("relu"), { weights: Promise.reject(new Error("unused")) }));
  });
});

describe("progress", () => {
  const all = MODULE.length + WEIGHTS.length;

  test("covers both downloads, whose size is known from the first chunk", async (t) => {
    const { address } = await site(t);
    const found: Progress[] = [];
    await load(address, { onProgress: (one) => found.push(one) });
    deepEqual(new Set(found.map(({ total }) => total)), new Set([all]));
    ok(found.length > 2);
    ok(found.every(({ loaded }, at) => loaded > (found[at - 1]?.loaded ?? 0)));
    equal(found.at(-1)?.loaded, all);
  });

  test("of a compressed download knows the total when the module is there", async (t) => {
    const address = await served(t, (request, answer) => {
      const body = request.url?.includes("weights") ? WEIGHTS : MODULE;
      answer.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(body));
    });
    const found: Progress[] = [];
    await load(address, { onProgress: (one) => found.push(one) });
    deepEqual(found[0], { loaded: MODULE.length, total: undefined });
    deepEqual(found.at(-1), { loaded: all, total: all });
  });

  test("that fails stops the loading with its own error", async () => {
    const onProgress = ({ loaded }: Progress) => {
      if (loaded > MODULE.length) throw new RangeError("mine");
    };
    for (const weights of [WEIGHTS, new Response(WEIGHTS), PATH]) {
      const loading = load(MODULE, { weights, onProgress });
      await rejects(loading, { name: "RangeError", message: "mine" });
    }
  });
});

test("abort stops the download and closes its connection", { timeout: 5000 }, async (t) => {
  const stop = new AbortController();
  let close = () => {};
  const closed = new Promise<void>((resolve) => {
    close = resolve;
  });
  const address = await served(t, (request, answer) => {
    if (!request.url?.includes("weights")) return answer.end(MODULE);
    answer.on("close", close).writeHead(200, { "content-length": WEIGHTS.length });
    return answer.write(WEIGHTS.subarray(0, 100), () => stop.abort());
  });
  await rejects(load(address, { signal: stop.signal }), { name: "AbortError" });
  await closed;
});

describe("weights that are refused", () => {
  const not = `${pathOf(NAME)}: weighted.weights: these are not the module's weights; `;
  const both = "take both from one `likewise compile`";
  const size = WEIGHTS.length;

  test("because they are too short, too long, or of another module", async () => {
    const other = WEIGHTS.slice();
    other[size - 1] = 7;
    const early = WEIGHTS.slice();
    early[0] = 7;
    const rows: [Source, string][] = [
      [WEIGHTS.subarray(1), `given: size ${size - 1}; allowed: ${size}; ${both}`],
      [new Uint8Array(), "given: size 0; "],
      [joined(WEIGHTS, Uint8Array.of(0)), `given: size ${size + 1}; allowed: ${size}`],
      [other, ` from byte ${4 << 20} on; allowed: `], // in the second of two parts
      [early, " from byte 0 on; allowed: "],
    ];
    for (const [weights, message] of rows) {
      const act = (one: Source) => () => load(pathOf(NAME), { weights: one });
      await assertFault(act(weights), "ModelError", not, message);
      await assertFault(act(new Blob([weights as Uint8Array<ArrayBuffer>])), "ModelError", message);
    }
  });

  test("because there are none", async (t) => {
    const path = join(mkdtempSync(join(FOLDER, "alone-")), "m.wasm");
    writeFileSync(path, MODULE);
    const missing = "weighted.weights: the weights cannot be read; given: ENOENT";
    await assertFault(() => load(path), "DownloadError", missing);
    const address = await served(t, (request, answer) => {
      if (request.url?.includes("weights")) answer.writeHead(404).end();
      else answer.end(MODULE);
    });
    const absent = "/weighted.weights: the weights cannot be read; given: HTTP 404";
    await assertFault(() => load(address), "DownloadError", absent);
  });

  test("because nothing says where they are", async () => {
    const blob = new Blob([MODULE]);
    const data = `data:application/wasm;base64,${Buffer.from(MODULE).toString("base64")}`;
    for (const source of [MODULE, blob, new Response(MODULE), data]) {
      const act = () => load(source);
      const message = "the weights lie in another file; pass `weighted.weights` as `weights`";
      await assertFault(act, "InputError", message);
    }
    const weights = 7 as unknown as Source;
    const act = () => load(MODULE, { weights });
    await assertFault(act, "InputError", "the weights cannot be loaded from this; given: Number");
  });

  test("because the download broke off", async (t) => {
    const address = await served(t, (request, answer) => {
      if (!request.url?.includes("weights")) return answer.end(MODULE);
      answer.writeHead(200, { "content-length": size });
      return answer.write(WEIGHTS.subarray(0, 100), () => setTimeout(() => answer.destroy(), 20));
    });
    const message = ": the download broke off; given: ";
    await assertFault(() => load(address), "DownloadError", message, `after 100 of ${size} bytes`);
  });
});
