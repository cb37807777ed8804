import { type DType, type TypedArray, viewOf } from "./dtypes.js";
import type { Model } from "./model.js";
import { brokenSection, countOf, type Port, readSection } from "./section.js";

/** What messages call the place of a fault here. */
const WHERE = ["golden vectors"];
/** Of a larger output so many elements are kept. */
const SAMPLE = 256;
/** The first stream of numbers that is an output's. */
const OUTPUTS = 1 << 16;
/** Bits of a significand, of which drawn floats have no more. */
const DIGITS: { readonly [dtype: string]: number } = {
  float: 24,
  double: 32,
  float16: 11,
  bfloat16: 8,
};

/** Where an output left its golden vector. */
export interface Mismatch {
  readonly seed: number;
  readonly output: string;
  /** What differs: the shape, the element at `at`, or the mean of all. */
  readonly what: "shape" | "element" | "mean";
  readonly at?: number;
  readonly given: Found;
  readonly expected: Found;
  /** How far apart they may be. */
  readonly tolerance: number;
}

type Found = number | bigint | readonly number[];

interface Vector {
  readonly shape: readonly number[];
  /** All elements or a sample, little-endian, in base64. */
  readonly values: string;
  readonly tolerance: number;
  readonly mean?: number;
}

interface Case {
  readonly seed: number;
  readonly outputs: { readonly [name: string]: Vector };
}

/** What `Model.selfTest` gives. */
export function selfTest(model: Model): readonly Mismatch[] | undefined {
  const { cases } = readSection(model.module, WHERE).golden as { cases?: readonly Case[] };
  if (!cases?.length) return undefined;
  const found: Mismatch[] = [];
  for (const { seed, outputs } of cases) {
    const ports = model.inputs.entries();
    const feeds = Array.from(ports, ([at, port]) => [port.name, drawn(port, seed, at)]);
    const made = model.run(Object.fromEntries(feeds));
    for (const [at, { name, dtype }] of model.outputs.entries()) {
      let wrong: Wrong | undefined;
      try {
        const given = numbers(dtype, made[name] as TypedArray);
        wrong = difference(
          given,
          model.outputShape(name),
          outputs[name] as Vector,
          dtype,
          seed,
          at,
        );
      } catch (error) {
        throw brokenSection(error, WHERE);
      }
      if (wrong) found.push({ seed, output: name, ...wrong });
    }
  }
  return found;
}

type Wrong = Omit<Mismatch, "seed" | "output">;
type Numbers = ArrayLike<number | bigint>;

function difference(
  given: Numbers,
  shape: readonly number[],
  { shape: expectedShape, values, tolerance, mean }: Vector,
  dtype: DType,
  seed: number,
  position: number,
): Wrong | undefined {
  if (String(shape) !== String(expectedShape)) {
    return { what: "shape", given: shape, expected: expectedShape, tolerance: 0 };
  }
  const size = countOf(shape);
  const bytes = Uint8Array.from(atob(values), (one) => one.charCodeAt(0));
  const kept = numbers(dtype, viewOf(dtype, bytes.buffer));
  const all = size <= SAMPLE;
  const word = words(seed, OUTPUTS + position);
  if (kept.length !== (all ? size : SAMPLE)) throw new RangeError(`${kept.length} values`);
  for (let i = 0; i < kept.length; i++) {
    const at = all ? i : word(i) % size;
    const [a, b] = [given[at] as number, kept[i] as number];
    const near = a === b || Object.is(a, b) || (dtype in DIGITS && Math.abs(a - b) <= tolerance);
    if (!near) return { what: "element", at, given: a, expected: b, tolerance };
  }
  if (mean === undefined) return undefined;
  const found = meanOf(given);
  const near = Math.abs(found - mean) <= tolerance + 1e-8 * Math.abs(mean);
  return near ? undefined : { what: "mean", given: found, expected: mean, tolerance };
}

/** The mean of the finite elements. */
function meanOf(array: Numbers): number {
  let [sum, count] = [0, 0];
  for (let at = 0; at < array.length; at++) {
    const one = Number(array[at]);
    if (Number.isFinite(one)) {
      sum += one;
      count++;
    }
  }
  return sum / count;
}

/** The input of that port that `seed` stands for. */
function drawn({ dtype, shape }: Port, seed: number, stream: number): TypedArray {
  const array = viewOf(dtype, new ArrayBuffer(countOf(shape) * 8), 0, countOf(shape));
  const digits = DIGITS[dtype];
  const word = words(seed, stream);
  const one = new Float32Array(1);
  const bits = new Uint32Array(one.buffer);
  for (let at = 0; at < array.length; at++) {
    const found = word(at);
    if (digits === undefined) {
      // What does not fit into 8 or 16 bits is cut off; of others one bit counts.
      const lowest = dtype === "bool" || array.BYTES_PER_ELEMENT > 2 ? found & 1 : found;
      array[at] = (/64/.test(dtype) ? BigInt(lowest) : lowest) as never;
      continue;
    }
    const value = (found >>> (32 - digits)) / 2 ** (digits - 1) - 1;
    one[0] = value;
    const [raw] = bits as unknown as [number];
    // A float16 has 5 bits of exponent, and none of these numbers is subnormal in it.
    const half = value && ((raw >>> 16) & 0x8000) | (((raw >>> 13) & 0x3ffff) - (112 << 10));
    const stored = dtype === "float16" ? half : dtype === "bfloat16" ? raw >>> 16 : value;
    array[at] = stored as never;
  }
  return array;
}

/** Elements as numbers: those of 16-bit floats from their bits. */
function numbers(dtype: DType, array: TypedArray): Numbers {
  if (dtype === "bfloat16") {
    return new Float32Array(Uint32Array.from(array as Uint16Array, (raw) => raw << 16).buffer);
  }
  return dtype === "float16" ? Float32Array.from(array as Uint16Array, ofHalf) : array;
}

function ofHalf(raw: number): number {
  const [exponent, fraction] = [(raw >> 10) & 31, raw & 1023];
  const sign = raw & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 1024 + fraction : fraction) * 2 ** (Math.max(exponent, 1) - 25);
}

/** The numbers of a stream, of 32 bits each: what Python draws, too. */
function words(seed: number, stream: number): (at: number) => number {
  const key = mix(mix(seed) + stream);
  return (at) => mix(key + Math.imul(at, 0x9e3779b9));
}

/** MurmurHash3's last step. */
function mix(seed: number): number {
  let x = seed;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
