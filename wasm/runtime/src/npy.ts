import { bytesOf, type DType, type TypedArray, viewOf } from "./dtypes.js";
import { InputError } from "./errors.js";

/** An array as a `.npy` file holds it, its elements in C order. */
export interface NpyArray {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

const MAGIC = "\x93NUMPY";
const ALIGNMENT = 64;

const KINDS: { readonly [dtype in DType]: string } = {
  float: "<f4",
  double: "<f8",
  float16: "<f2",
  // NumPy knows no bfloat16: its 16 bits stand in a uint16, as everywhere in likewise.
  bfloat16: "<u2",
  bool: "|b1",
  int8: "|i1",
  int16: "<i2",
  int32: "<i4",
  int64: "<i8",
  uint8: "|u1",
  uint16: "<u2",
  uint32: "<u4",
  uint64: "<u8",
};

/** The element types by what a header says; ml_dtypes writes its bfloat16 as two bytes of V. */
const DTYPES = new Map<string, DType>([
  ...(Object.entries(KINDS) as [DType, string][])
    .filter(([dtype]) => dtype !== "bfloat16")
    .map(([dtype, kind]): [string, DType] => [kind.slice(1), dtype]),
  ["V2", "bfloat16"],
]);

/** Read a `.npy` file; raises InputError for what is none or holds no numbers. `where` names it. */
export function readNpy(bytes: Uint8Array, where = "npy"): NpyArray {
  const { header, start } = readHeader(bytes, where);
  const kind = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(header)?.[1];
  const dtype = DTYPES.get(kind?.slice(1) ?? "");
  if (order === undefined || sizes === undefined || dtype === undefined || kind?.[0] === ">") {
    throw new InputError("not an array that compiled modules know", {
      where: [where],
      given: header.trim(),
      allowed: `little-endian ${[...DTYPES.values()].join(", ")}`,
      hint: "`numpy.save(path, array.astype(...))` writes another type",
    });
  }
  const shape = sizes
    .split(",")
    .filter((size) => size.trim())
    .map(Number);
  const count = shape.reduce((all, size) => all * size, 1);
  if (count * bytesOf(dtype) !== bytes.length - start) {
    throw new InputError("the file's length does not fit its header", {
      where: [where],
      given: `${bytes.length - start} bytes`,
      allowed: `${count * bytesOf(dtype)} for ${dtype}[${shape}]`,
    });
  }
  // A copy that begins at an aligned address; the slice of a Buffer would be none.
  const data = viewOf(dtype, new Uint8Array(bytes.subarray(start)).buffer);
  return { dtype, shape, data: order === "True" ? toC(data, shape) : data };
}

/** The bytes of a `.npy` file, as `numpy.save` writes them. */
export function writeNpy({ dtype, shape, data }: NpyArray): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${KINDS[dtype]}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const before = MAGIC.length + 4;
  const end = Math.ceil((before + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const header = `${text.padEnd(end - before - 1)}\n`;
  const made = new Uint8Array(end + data.byteLength);
  made.set(Array.from(MAGIC, (letter) => letter.charCodeAt(0)));
  made[MAGIC.length] = 1;
  new DataView(made.buffer).setUint16(MAGIC.length + 2, header.length, true);
  made.set(new TextEncoder().encode(header), before);
  made.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), end);
  return made;
}

function readHeader(bytes: Uint8Array, where: string): { header: string; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = bytes[MAGIC.length] !== 1;
  const before = MAGIC.length + (long ? 6 : 4);
  const starts = Array.from(MAGIC).every((letter, at) => bytes[at] === letter.charCodeAt(0));
  if (starts && bytes.length >= before) {
    const at = MAGIC.length + 2;
    const start = before + (long ? view.getUint32(at, true) : view.getUint16(at, true));
    if (start <= bytes.length) {
      return { header: new TextDecoder().decode(bytes.subarray(before, start)), start };
    }
  }
  throw new InputError("not a `.npy` file", {
    where: [where],
    hint: "`numpy.save(path, array)` writes one",
  });
}

/** `data`, whose first axis varies fastest, in C order. */
function toC(data: TypedArray, shape: readonly number[]): TypedArray {
  const made = data.slice();
  const index = shape.map(() => 0);
  for (let to = 0; to < data.length; to++) {
    let [from, stride] = [0, 1];
    for (const [axis, size] of shape.entries()) {
      from += (index[axis] ?? 0) * stride;
      stride *= size;
    }
    made[to] = data[from] as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      index[axis] = next < (shape[axis] ?? 0) ? next : 0;
      if (index[axis]) break;
    }
  }
  return made;
}
