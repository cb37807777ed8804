/** Arrays as compiled modules take and give them. */
export type TypedArray =
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

const ARRAYS = {
  float: Float32Array,
  double: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  bool: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
} as const;

/** Element types by the names that ONNX gives them: `float` has 32 bits, `double` 64. */
export type DType = keyof typeof ARRAYS;

/** Bytes of one element; raises TypeError for what is no element type. */
export function bytesOf(dtype: DType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/**
 * A view of `length` elements. Raises RangeError unless `offset`, in bytes, is a multiple of the
 * element's size and all of them lie within `buffer`.
 */
export function viewOf(
  dtype: DType,
  buffer: ArrayBufferLike,
  offset = 0,
  length?: number,
): TypedArray {
  // Shared memory serves as well; the constructors' declared types know only one of the two.
  return new ARRAYS[dtype](buffer as ArrayBuffer, offset, length);
}

/** The names of the arrays that hold elements of `dtype`, the one that outputs have first. */
export function arrayNames(dtype: DType): readonly string[] {
  const names: string[] = [ARRAYS[dtype].name];
  if (dtype === "float16") names.push("Float16Array");
  if (dtype === "uint8") names.push("Uint8ClampedArray");
  return names;
}

/** What a value is: `Float32Array` from any realm, `Array`, `Number`, `Null`, `Undefined`. */
export function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
