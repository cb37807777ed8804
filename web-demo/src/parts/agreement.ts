/** How far two engines' answers are apart. */
import type { Tensor, Tensors } from "../engines/engine";

export interface Agreement {
  /** The largest difference between two elements. */
  readonly worst: number;
  readonly output: string;
  /** The largest magnitude in that output, which says what `worst` means. */
  readonly scale: number;
}

/** Compare element by element. Raises where the outputs differ in name or size. */
export function compare(expected: Tensors, found: Tensors): Agreement {
  let agreement: Agreement = { worst: 0, output: Object.keys(expected)[0] ?? "", scale: 0 };
  for (const [name, one] of Object.entries(expected)) {
    const other = found[name];
    if (!other || other.data.length !== one.data.length) {
      throw new Error(`the engines' outputs \`${name}\` differ in size`);
    }
    const [worst, scale] = apart(numbers(one), numbers(other));
    if (worst > agreement.worst || !agreement.scale) agreement = { worst, output: name, scale };
  }
  return agreement;
}

function apart(one: ArrayLike<number>, other: ArrayLike<number>): [number, number] {
  let worst = 0;
  let scale = 0;
  for (let at = 0; at < one.length; at++) {
    const a = one[at] as number;
    const b = other[at] as number;
    if (Object.is(a, b) || a === b) {
      if (Number.isFinite(a)) scale = Math.max(scale, Math.abs(a));
      continue;
    }
    const difference = Math.abs(a - b);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    if (Number.isFinite(a)) scale = Math.max(scale, Math.abs(a));
  }
  return [worst, scale];
}

/** The elements as JavaScript's numbers. */
export function numbers({ dtype, data }: Tensor): ArrayLike<number> {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Array.from(data, Number);
  }
  if (dtype === "float16") return Array.from(data as Uint16Array, half);
  if (dtype === "bfloat16") return new Float32Array(Uint32Array.from(data, upper).buffer);
  return data as ArrayLike<number>;
}

function upper(bits: number): number {
  return bits << 16;
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : fraction * 2 ** -24);
}
