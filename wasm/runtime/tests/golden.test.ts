import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { load } from "likewise-runtime";
import { assertFault, bytesOf, encoded, moduleWith } from "./helpers.js";

/** A module that leaves its output as it is: zeros. */
function zeros(dtype: string, golden: object, size = 2): Uint8Array<ArrayBuffer> {
  const bytes = size * (dtype === "double" ? 8 : /16/.test(dtype) ? 2 : 4);
  const outputs = [{ name: "y", dtype, shape: [size], offset: 64, bytes }];
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

function expecting(
  y: Float32Array | Float64Array | Int32Array | Uint16Array,
  vector: object = {},
): object {
  const { y: values } = encoded({ y });
  return { cases: [{ seed: 0, outputs: { y: { shape: [2], values, tolerance: 0, ...vector } } }] };
}

test("a module that carries none proves nothing", async () => {
  equal(await (await load(bytesOf("relu"))).selfTest(), undefined);
  equal(await (await load(zeros("float", { cases: [] }))).selfTest(), undefined);
});

for (const name of ["golden", "golden_large"]) {
  test(`${name}: a module that Python gave golden vectors of all types passes`, async () => {
    const model = await load(bytesOf(name));
    equal(model.outputs.length, 13);
    deepEqual(await model.selfTest(), []);
  });
}

test("a damaged module fails", async () => {
  const bytes = bytesOf("golden");
  const add = [0xfd, 0xe4, 0x01]; // f32x4.add
  const at = bytes.findIndex((_, from) => add.every((one, next) => bytes[from + next] === one));
  bytes[at + 1] = 0xe6; // f32x4.mul
  const found = await (await load(bytes)).selfTest();
  const where = found?.map(({ output, what }) => [output, what]);
  deepEqual(where?.[0], ["y_float", "element"], JSON.stringify(found));
});

test("floats may be as far off as the vectors say, nothing else may", async () => {
  const rows: [string, object, number | undefined][] = [
    ["float", expecting(Float32Array.of(0, 0)), undefined],
    ["float", expecting(Float32Array.of(0, -0)), undefined],
    ["float", expecting(Float32Array.of(1e-9, 0)), 0],
    ["float", expecting(Float32Array.of(0.5, 0), { tolerance: 0.5 }), undefined],
    ["float", expecting(Float32Array.of(0, -0.6), { tolerance: 0.5 }), 1],
    ["double", expecting(Float64Array.of(1, 0), { tolerance: 1 }), undefined],
    ["float", expecting(Float32Array.of(Infinity, 0), { tolerance: 9 }), 0],
    ["float", expecting(Float32Array.of(0, Number.NaN), { tolerance: 9 }), 1],
    ["int32", expecting(Int32Array.of(0, 1), { tolerance: 5 }), 1],
    // 0x3c00 and 0x3f80 are 1, 1 the smallest subnormal.
    ["float16", expecting(Uint16Array.of(0x3c00, 1), { tolerance: 1 }), undefined],
    ["float16", expecting(Uint16Array.of(0x3c01, 0), { tolerance: 1 }), 0],
    ["float16", expecting(Uint16Array.of(1, 0x8002), { tolerance: 2 ** -24 }), 1],
    ["float16", expecting(Uint16Array.of(0, 0x7c00), { tolerance: 1 }), 1],
    ["bfloat16", expecting(Uint16Array.of(0xbf80, 0), { tolerance: 1 }), undefined],
    ["bfloat16", expecting(Uint16Array.of(0, 0xbf81), { tolerance: 1 }), 1],
  ];
  for (const [dtype, golden, at] of rows) {
    const found = await (await load(zeros(dtype, golden))).selfTest();
    deepEqual(found?.[0]?.at, at, JSON.stringify([dtype, golden]));
  }
});

test("what was found is said", async () => {
  const float = expecting(Float32Array.of(1, 0), { tolerance: 0.5 });
  deepEqual(await (await load(zeros("float", float))).selfTest(), [
    { seed: 0, output: "y", what: "element", at: 0, given: 0, expected: 1, tolerance: 0.5 },
  ]);
  const shape = expecting(Float32Array.of(0, 0), { shape: [1, 2] });
  deepEqual(await (await load(zeros("float", shape))).selfTest(), [
    { seed: 0, output: "y", what: "shape", given: [2], expected: [1, 2], tolerance: 0 },
  ]);
  const mean = expecting(new Float32Array(256), { shape: [300], tolerance: 0.5, mean: 1 });
  deepEqual(await (await load(zeros("float", mean, 300))).selfTest(), [
    { seed: 0, output: "y", what: "mean", given: 0, expected: 1, tolerance: 0.5 },
  ]);
});

test("vectors that cannot be read are no pass", async () => {
  const vector = { shape: [2], tolerance: 0 };
  const broken = [{}, { y: vector }, { y: { ...vector, values: "AAA=" } }, undefined];
  for (const outputs of broken) {
    const model = await load(zeros("float", { cases: [{ seed: 0, outputs }] }));
    await assertFault(() => model.selfTest(), "ModelError", "golden vectors: the section");
  }
});
