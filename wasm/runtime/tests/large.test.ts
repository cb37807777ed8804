import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { load, type Progress } from "likewise-runtime";
import { assertBits, assertFault, bytesOf, caseOf, cases, feedsOf, pathOf } from "./helpers.js";

/** What makes a module a large one is what its server says of its size. */
const LARGE = 64 << 20;
const CASE = caseOf("inside");
const MODULE = bytesOf("inside");

/** A large response, in chunks of so many bytes after a first one. */
function large(
  bytes: Uint8Array<ArrayBuffer>,
  size = LARGE,
  first = size,
  length = LARGE,
): Response {
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      const end = Math.min(bytes.length, at + (at ? size : first));
      controller.enqueue(bytes.slice(at, end));
      at = end;
    },
  });
  return new Response(body, {
    headers: { "content-length": `${length}`, "content-type": "application/wasm" },
  });
}

describe("a large module", () => {
  test("gives the bits of a small one", async () => {
    for (const [name, one] of Object.entries(cases)) {
      if (one.numerics !== "strict" || name === "trapping") continue;
      const model = await load(large(bytesOf(name)));
      assertBits(model.run(feedsOf(model, one)), one.outputs);
      model.dispose();
    }
  });

  test("may come in pieces of any size", async () => {
    const { weights } = await load(large(MODULE));
    const head = MODULE.length - (weights?.length ?? 0);
    const firsts = Array.from({ length: 20 }, (_, at) => head - at); // the end of the head in two
    for (const first of [1, 9, 100, ...firsts, head + 1]) {
      const model = await load(large(MODULE, 1_000_003, first));
      assertBits(model.run(feedsOf(model, CASE)), CASE.outputs);
    }
  });

  test("has its weights in memory alone, from where other instances take them", async () => {
    const model = await load(large(MODULE));
    const { module, weights } = model;
    ok(weights);
    const missing = "the weights lie in another file; pass `model.weights` as `weights`";
    await assertFault(() => load(module), "InputError", missing);
    const other = await load(module, { weights });
    assertBits(other.run(feedsOf(other, CASE)), CASE.outputs);
    const cut = () => load(module, { weights: weights.slice(1) });
    await assertFault(cut, "ModelError", `given: size ${weights.length - 1}`);
    model.dispose();
    await assertFault(() => model.weights, "InputError", "the model was disposed of");
  });

  test("is compiled as a whole where threads share the memory", async () => {
    const model = await load(large(bytesOf("shared_strict"), 1000), { threads: 2 });
    equal(model.weights, undefined);
    const other = await load(model.module, { weights: model.weights, threads: 1 });
    for (const one of [model, other]) {
      assertBits(one.run(feedsOf(one, caseOf("shared_strict"))), caseOf("shared_strict").outputs);
      one.dispose();
    }
  });

  test("reports its progress", async () => {
    const found: Progress[] = [];
    await load(large(MODULE, 1_000_000, 1000, LARGE + 5), { onProgress: (one) => found.push(one) });
    deepEqual(found[0], { loaded: 1000, total: LARGE + 5 });
    equal(found.at(-1)?.loaded, MODULE.length);
    equal(found.length, 1 + Math.ceil((MODULE.length - 1000) / 1_000_000));
  });

  test("can be stopped", { timeout: 5000 }, async () => {
    const stop = new AbortController();
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(MODULE.subarray(0, 100_000)),
    });
    const response = new Response(body, { headers: { "content-length": `${LARGE}` } });
    setTimeout(() => stop.abort(), 20);
    await rejects(load(response, { signal: stop.signal }), { name: "AbortError" });
  });
});

describe("a large file that is refused", () => {
  const rows: [string, Uint8Array<ArrayBuffer>, string[]][] = [
    ["cut in its weights", MODULE.slice(0, -7), ["cannot compile", "it ends 7 bytes too early"]],
    ["cut in its code", MODULE.slice(0, 500), ["this engine cannot compile the module"]],
    ["nothing", new Uint8Array(), ["this engine cannot compile the module"]],
    ["another module", Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0), ["has no section `likewise`"]],
  ];
  for (const [name, bytes, parts] of rows) {
    test(name, async () => {
      await assertFault(() => load(large(bytes, 400)), "ModelError", ...parts);
    });
  }

  test("is replaced by its twin", async () => {
    const model = await load(large(MODULE.slice(0, -7)), { fallback: pathOf("relu") });
    equal(model.inputs[0]?.shape.length, 3);
  });
});
