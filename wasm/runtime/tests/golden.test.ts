import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { load } from "likewise-runtime";
import { selfTest } from "likewise-runtime/golden";
import { assertFault, bytesOf, encoded, moduleWith } from "./helpers.js";

/** A module that leaves its output as it is: zeros. */
function zeros(dtype: string, golden: object): Uint8Array<ArrayBuffer> {
  const bytes = dtype === "double" ? 16 : 8;
  const outputs = [{ name: "y", dtype, shape: [2], offset: 64, bytes }];
  const section = {
    version: 1,
    numerics: "strict",
    source_sha256: "",
    inputs: [],
    outputs,
    golden,
  };
  return moduleWith(section);
}

function expecting(y: Float32Array | Float64Array | Int32Array, tolerance: object = {}): object {
  return { cases: [{ inputs: {}, outputs: encoded({ y }) }], ...tolerance };
}

test("a module that carries none proves nothing", async () => {
  equal(selfTest(await load(bytesOf("relu"))), undefined);
  equal(selfTest(await load(zeros("float", { cases: [] }))), undefined);
});

test("a module that Python gave golden vectors passes", async () => {
  deepEqual(selfTest(await load(bytesOf("golden"))), []);
});

test("a damaged module fails", async () => {
  const bytes = bytesOf("golden");
  const at = bytes.lastIndexOf(0x97); // f32.max
  bytes[at] = 0x96; // f32.min
  const found = selfTest(await load(bytes));
  deepEqual(found?.[0], { case: 0, output: "y", element: 1, given: -Infinity, expected: 0 });
});

test("bits are compared, and tolerances hold for floats alone", async () => {
  const rows: [string, object, number | undefined][] = [
    ["float", expecting(Float32Array.of(0, 0)), undefined],
    ["float", expecting(Float32Array.of(0, -0)), 1],
    ["float", expecting(Float32Array.of(0, -0), { absolute: 1e-9 }), undefined],
    ["float", expecting(Float32Array.of(1e-9, 0)), 0],
    ["float", expecting(Float32Array.of(0.5, 0), { absolute: 0.5 }), undefined],
    ["double", expecting(Float64Array.of(1, 0), { absolute: 0.25, relative: 0.75 }), undefined],
    ["float", expecting(Float32Array.of(Infinity, 0), { relative: 0.5 }), 0],
    ["float", expecting(Float32Array.of(Number.NaN, 0), { absolute: 9 }), 0],
    ["float", expecting(Float32Array.of(0)), 1],
    ["float", expecting(Float32Array.of(0, 0, 0)), 2],
    ["int32", expecting(Int32Array.of(0, 1), { absolute: 5 }), 1],
  ];
  for (const [dtype, golden, element] of rows) {
    const found = selfTest(await load(zeros(dtype, golden)));
    deepEqual(found?.[0]?.element, element, JSON.stringify(golden));
  }
});

test("vectors that cannot be read are no pass", async () => {
  for (const outputs of [{}, { y: "!" }, { y: "AAA=" }, undefined]) {
    const model = await load(zeros("float", { cases: [{ inputs: {}, outputs }] }));
    await assertFault(() => selfTest(model), "ModelError", "golden vectors: the section");
  }
});
