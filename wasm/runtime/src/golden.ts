import { type TypedArray, viewOf } from "./dtypes.js";
import type { Model } from "./model.js";
import { brokenSection, type Port, readSection } from "./section.js";

/** What messages call the place of a fault here. */
const WHERE = ["golden vectors"];

/** Where an output left its golden vector. */
export interface Mismatch {
  readonly case: number;
  readonly output: string;
  /** Position of the first element that differs. */
  readonly element: number;
  /** Undefined where the output ended before this element. */
  readonly given: number | bigint | undefined;
  /** Undefined where the golden vector ended before this element. */
  readonly expected: number | bigint | undefined;
}

interface Golden {
  readonly cases: readonly { readonly inputs: Encoded; readonly outputs: Encoded }[];
  readonly absolute?: number;
  readonly relative?: number;
}

/** Arrays by name: their little-endian bytes in base64. */
interface Encoded {
  readonly [name: string]: string;
}

/**
 * Run the golden vectors that `model` carries and compare. Gives the first mismatch of each output
 * that has one, so an empty list is a pass; undefined where the model carries none, which proves
 * nothing. The memory of inputs and outputs is overwritten.
 *
 * Without tolerances, and for what is no float, elements have equal bits, but any NaN equals any
 * other (16-bit floats compare as their bits); with them, and for a finite expectation,
 * |given - expected| <= absolute + relative * |expected|.
 */
export function selfTest(model: Model): readonly Mismatch[] | undefined {
  const { golden } = readSection(model.module, WHERE);
  const { cases, absolute = 0, relative = 0 } = golden as Golden;
  if (!cases?.length) return undefined;
  const found: Mismatch[] = [];
  for (const [at, { inputs, outputs }] of cases.entries()) {
    const feeds = decoded(inputs, model.inputs);
    const wanted = decoded(outputs, model.outputs);
    const results = model.run(feeds);
    for (const { name, dtype } of model.outputs) {
      const [given, expected] = [results[name] as TypedArray, wanted[name] as TypedArray];
      const margin = /^float$|double/.test(dtype) ? [absolute, relative] : [0, 0];
      const element = difference(given, expected, margin);
      if (element < 0) continue;
      found.push({
        case: at,
        output: name,
        element,
        given: given[element],
        expected: expected[element],
      });
    }
  }
  return found;
}

/** Position of the first element that differs; -1 where none does. */
function difference(
  given: TypedArray,
  expected: TypedArray,
  [absolute = 0, relative = 0]: number[],
): number {
  const longer = given.length < expected.length ? expected : given;
  return (longer as Float32Array).findIndex((_, at) => {
    const [a, b] = [given[at] as number, expected[at] as number];
    // Equal bits of numbers, but there is one NaN only, and 0 is not -0.
    if (Object.is(a, b)) return false;
    const close = absolute + relative > 0 && Number.isFinite(b);
    return !(close && Math.abs(a - b) <= absolute + relative * Math.abs(b));
  });
}

function decoded(encoded: Encoded, ports: readonly Port[]): { [name: string]: TypedArray } {
  try {
    return Object.fromEntries(
      ports.map(({ name, dtype }) => {
        const bytes = Uint8Array.from(atob(encoded[name] as string), (one) => one.charCodeAt(0));
        return [name, viewOf(dtype, bytes.buffer)];
      }),
    );
  } catch (error) {
    throw brokenSection(error, WHERE);
  }
}
