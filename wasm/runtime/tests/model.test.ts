import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { type Feeds, hasRelaxedSimd, load } from "likewise-runtime";
import {
  assertBits,
  assertFault,
  bytesOf,
  caseOf,
  cases,
  feedsOf,
  moduleWith,
  pathOf,
  source,
} from "./helpers.js";

const relu = () => load(bytesOf("relu"));

describe("every module answers as in wasmtime, bit for bit", () => {
  for (const [name, one] of Object.entries(cases)) {
    test(name, async () => {
      const model = await load(pathOf(name), { fallback: one.plain && pathOf(`${name}.plain`) });
      const outputs = model.run(feedsOf(model, one));
      assertBits(outputs, (hasRelaxedSimd() ? undefined : one.plain) ?? one.outputs);
      for (const port of model.outputs)
        deepEqual(model.outputShape(port.name), one.shapes[port.name]);
    });
  }
});

test("a model says what it is", async () => {
  const model = await load(bytesOf("two"));
  deepEqual(model.inputs, [
    { name: "x", dtype: "float", shape: [2, 3] },
    { name: "scale", dtype: "double", shape: [] },
  ]);
  deepEqual(model.outputs, [
    { name: "scaled", dtype: "double", shape: [6] },
    { name: "rounded/0", dtype: "int32", shape: [2, 3] },
  ]);
  deepEqual([model.numerics, model.sourceSha256], ["strict", source]);
  equal(model.memoryBytes, 65536);
  ok(Object.isFrozen(model.inputs[0]?.shape));
});

test("arrays are of the element type", async () => {
  const arrays = {
    relu: Float32Array,
    two: Float64Array,
    not: Uint8Array,
    double_float16: Uint16Array,
    triple_bfloat16: Uint16Array,
    add_int64: BigInt64Array,
    add_uint64: BigUint64Array,
  };
  for (const [name, array] of Object.entries(arrays)) {
    const model = await load(bytesOf(name));
    const [first] = Object.values(model.run(feedsOf(model, caseOf(name))));
    ok(first instanceof array, name);
  }
});

test("runs leave nothing behind, and outputs are copies", async () => {
  const model = await relu();
  const feeds = feedsOf(model, caseOf("relu"));
  const first = model.run(feeds);
  const other = model.run({ x: new Float32Array(60).fill(-7) });
  deepEqual([...new Set(other["y"] as Float32Array)], [0]);
  assertBits(first, caseOf("relu").outputs);
  assertBits(model.run(feeds), caseOf("relu").outputs);
});

test("two instances do not know of each other", async () => {
  const one = await relu();
  const two = await load(one.module);
  const sevens = new Float32Array(60).fill(7);
  const eights = new Float32Array(60).fill(8);
  one.inputView("x").set(sevens as never);
  two.inputView("x").set(eights as never);
  one.runInPlace();
  two.runInPlace();
  deepEqual(one.outputView("y"), sevens);
  deepEqual(two.outputView("y"), eights);
  one.dispose();
  deepEqual(two.run({ x: sevens })["y"], sevens);
});

test("views need no copy", async () => {
  const model = await relu();
  const x = model.inputView("x") as Float32Array;
  const y = model.outputView("y");
  for (const value of [1, -1, 3]) {
    x.fill(value);
    model.runInPlace();
    deepEqual([...new Set(y as Float32Array)], [Math.max(value, 0)]);
  }
  equal(model.outputView("y"), y);
  notEqual(model.run({ x })["y"]?.buffer, y.buffer);
});

test("float16 may come as Float16Array, uint8 from a canvas", async () => {
  const half = await load(bytesOf("double_float16"));
  const { x } = feedsOf(half, caseOf("double_float16"));
  const Float16 = (globalThis as { Float16Array?: new (buffer?: ArrayBufferLike) => never })
    .Float16Array;
  if (Float16) {
    assertBits(half.run({ x: new Float16(x?.buffer) }), caseOf("double_float16").outputs);
  }
  const bytes = await load(bytesOf("add_uint8"));
  const sum = bytes.run({ a: Uint8ClampedArray.of(255, 5), b: Uint8Array.of(1, 3) });
  deepEqual(sum["sum"], Uint8Array.of(0, 8));
});

describe("an output whose size depends on the data", () => {
  test("is cut to what the run found, on any axis", async () => {
    const model = await load(bytesOf("positives"));
    deepEqual(model.outputs, [{ name: "y", dtype: "int32", shape: [2, 5], dynamicAxis: 1 }]);
    const cut = (...x: number[]) => [...(model.run({ x: Int32Array.from(x) })["y"] ?? [])];
    deepEqual(cut(0, 0, 0, 0, 6), [6, 4]);
    deepEqual(model.outputShape("y"), [2, 1]);
    deepEqual(cut(1, 2, 3, 4, 5), [1, 2, 3, 4, 5, 0, 1, 2, 3, 4]);
    deepEqual(cut(-1, 0, 0, 0, 0), []);
    deepEqual(model.outputShape("y"), [2, 0]);
    equal(model.outputView("y").length, 10);
  });

  test("is refused where it is larger than its memory", async () => {
    const model = await load(bytesOf("counted"));
    for (const n of [9, -1]) {
      const act = () => model.run({ n: Int32Array.of(n) });
      await assertFault(act, "ModelError", "output `y`", "axis 0", `given: ${n}; allowed: 0 to 8`);
    }
  });
});

describe("wrong feeds", () => {
  const x = new Float32Array(60);
  const rows: [string, unknown, string][] = [
    ["relu", {}, "these are not the model's inputs; given: none; allowed: `x`"],
    ["relu", { y: x }, "these are not the model's inputs; given: `y`; allowed: `x`"],
    ["relu", { x, z: x }, "these are not the model's inputs; given: `x`, `z`; allowed: `x`"],
    ["relu", x, "these are not the model's inputs; given: Float32Array; allowed: `x`"],
    ["relu", null, "these are not the model's inputs; given: none; allowed: `x`"],
    [
      "relu",
      { x: new Float64Array(60) },
      "input `x`: an array of another type; given: Float64Array; allowed: Float32Array of 60 for " +
        "float[3,4,5]; `Float32Array.from(values)` makes one",
    ],
    ["relu", { x: [1, 2] }, "given: Array; allowed: Float32Array of 60"],
    ["relu", { x: undefined }, "given: Undefined;"],
    ["relu", { x: null }, "given: Null;"],
    ["relu", { x: Object.create(null) }, "given: Object;"],
    ["relu", { x: new DataView(x.buffer) }, "given: DataView;"],
    [
      "relu",
      { x: x.subarray(1) },
      "input `x`: an array of another length; given: Float32Array of 59; allowed: Float32Array " +
        "of 60 for float[3,4,5]",
    ],
    ["relu", { x: new Float32Array() }, "an array that was transferred to a worker is empty"],
    ["add_int64", { a: new Int32Array(4), b: new BigInt64Array(4) }, "of BigInts such as 7n"],
    [
      "not",
      { x: Uint8Array.of(0, 1, 2) },
      "input `x`: element 2: no bool; given: 2; allowed: 0 or 1",
    ],
    ["double_float16", { x: new Float32Array(8) }, "Uint16Array holds the 16 bits of each element"],
    ["double_float16", { x: new Float32Array(8) }, "allowed: Uint16Array or Float16Array of 8"],
  ];
  for (const [name, feeds, message] of rows) {
    test(message, async () => {
      const model = await load(bytesOf(name));
      await assertFault(() => model.run(feeds as Feeds), "InputError", message);
    });
  }

  test("leave the model as it was", async () => {
    const model = await load(bytesOf("add_int8"));
    model.inputView("a").set([1, 2] as never);
    const feeds = { a: Int8Array.of(5, 6), b: Int16Array.of(1) };
    await assertFault(() => model.run(feeds), "InputError", "input `b`");
    deepEqual(model.inputView("a"), Int8Array.of(1, 2));
  });
});

test("a name that is none", async () => {
  const model = await relu();
  const message = "no such name among the outputs; given: `x`; allowed: `y`";
  await assertFault(() => model.outputView("x"), "InputError", message);
  await assertFault(() => model.outputShape("x"), "InputError", message);
  await assertFault(() => model.inputView("y"), "InputError", "among the inputs");
});

test("a model that was disposed of", async () => {
  const model = await load(pathOf("relu"));
  model.dispose();
  model.dispose();
  const uses = [
    () => model.run({ x: new Float32Array(60) }),
    () => model.runInPlace(),
    () => model.inputView("x"),
    () => model.outputShape("y"),
  ];
  for (const use of uses)
    await assertFault(use, "InputError", "relu.wasm: the model was disposed of");
  ok((await load(model.module)).run({ x: new Float32Array(60) }));
});

test("a module that traps", async () => {
  const section = { version: 1, numerics: "strict", source_sha256: "", golden: {} };
  const model = await load(moduleWith({ ...section, inputs: [], outputs: [] }, [0x00]));
  const act = () => model.run({});
  await assertFault(act, "LikewiseError", "the module trapped; given: unreachable");
});
