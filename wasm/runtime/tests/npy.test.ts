import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { type NpyArray, readNpy, writeNpy } from "likewise-runtime/npy";
import { assertFault } from "./helpers.js";

/** A file with this header and these bytes. */
function file(header: string, content: ArrayLike<number> = [], version = 1): Uint8Array {
  const size = header.length + 1;
  const length = version === 1 ? [size & 255, size >> 8] : [size & 255, size >> 8, 0, 0];
  const bytes = Buffer.from(`${header}\n`, "latin1");
  return Uint8Array.from([
    0x93,
    ...Buffer.from("NUMPY"),
    version,
    0,
    ...length,
    ...bytes,
    ...Array.from(content),
  ]);
}

const headerOf = (kind: string, shape: string, fortran = "False") =>
  `{'descr': '${kind}', 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

test("what is written is read", () => {
  const arrays: NpyArray[] = [
    { dtype: "float", shape: [2, 3], data: Float32Array.of(1, -0, Number.NaN, 4, 5, 6) },
    { dtype: "double", shape: [], data: Float64Array.of(0.1) },
    { dtype: "int64", shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
    { dtype: "uint64", shape: [1, 1], data: BigUint64Array.of(2n ** 64n - 1n) },
    { dtype: "bool", shape: [2], data: Uint8Array.of(1, 0) },
    { dtype: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0x7e00) },
    { dtype: "int8", shape: [0, 4], data: new Int8Array() },
  ];
  for (const array of arrays) deepEqual(readNpy(writeNpy(array)), array);
});

test("a part of a larger buffer is read, whatever its alignment", () => {
  const bytes = writeNpy({ dtype: "double", shape: [1], data: Float64Array.of(7) });
  const shifted = Uint8Array.of(0, ...bytes).subarray(1);
  deepEqual(readNpy(shifted).data, Float64Array.of(7));
});

test("the last of the versions, bfloat16, and Fortran's order", () => {
  const two = file(headerOf("<V2", "(1,)"), [0x80, 0x3f], 2);
  deepEqual(readNpy(two), { dtype: "bfloat16", shape: [1], data: Uint16Array.of(0x3f80) });
  const fortran = readNpy(file(headerOf("|u1", "(2, 3)", "True"), [1, 4, 2, 5, 3, 6]));
  deepEqual(fortran.data, Uint8Array.of(1, 2, 3, 4, 5, 6));
  const deep = readNpy(file(headerOf("|u1", "(2, 1, 2, 2)", "True"), [0, 4, 2, 6, 1, 5, 3, 7]));
  deepEqual(deep.data, Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7));
});

test("what cannot be read", async () => {
  const rows: [Uint8Array, string][] = [
    [new Uint8Array(), "x.npy: not a `.npy` file; `numpy.save(path, array)` writes one"],
    [file("").subarray(0, 9), "not a `.npy` file"],
    [Uint8Array.from(Buffer.from("PK\x03\x04 a zip of several")), "not a `.npy` file"],
    [file(headerOf(">f4", "(1,)"), [0, 0, 0, 0]), "allowed: little-endian float, double"],
    [file(headerOf("|O", "(1,)")), "not an array that compiled modules know"],
    [file(headerOf("<c8", "(1,)")), "not an array that compiled modules know"],
    [file("{'descr': [('a', '<f4')], 'shape': (1,)}"), "not an array that compiled modules know"],
    [file(headerOf("<f4", "(2,)"), [0, 0, 0, 0]), "given: 4 bytes; allowed: 8 for float[2]"],
    [file(headerOf("<f4", "(99999999999999999999,)")), "the file's length does not fit its header"],
  ];
  for (const [bytes, message] of rows) {
    await assertFault(() => readNpy(bytes, "x.npy"), "InputError", message);
  }
});
