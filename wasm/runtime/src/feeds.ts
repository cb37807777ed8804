import { arrayNames, kindOf, type TypedArray, viewOf } from "./dtypes.js";
import { InputError } from "./errors.js";
import { countOf, type Port } from "./section.js";

/** A `Float16Array`, as far as this package needs to know one. */
export interface Float16Like extends ArrayBufferView {
  readonly length: number;
  readonly [Symbol.toStringTag]: "Float16Array";
}

/** An array of an input's elements; the list of element types in the README says which. */
export type Feed = TypedArray | Uint8ClampedArray | Float16Like;

/** Arrays by the names of the inputs. */
export interface Feeds {
  readonly [name: string]: Feed;
}

/**
 * The feeds in the order of `inputs`, as arrays of the inputs' own types on the same memory.
 * Raises InputError for a wrong name, element type, length or truth value.
 */
export function checkFeeds(feeds: Feeds, inputs: readonly Port[]): TypedArray[] {
  const array = ArrayBuffer.isView(feeds);
  const given = array ? [] : Object.keys(Object(feeds));
  if (given.length !== inputs.length || inputs.some(({ name }) => !given.includes(name))) {
    throw new InputError("these are not the model's inputs", {
      given: array ? kindOf(feeds) : listed(given),
      allowed: listed(inputs.map(({ name }) => name)),
    });
  }
  return inputs.map((port) => checkFeed(feeds[port.name] as Feed, port));
}

function checkFeed(given: Feed, port: Port): TypedArray {
  const { name, dtype, shape } = port;
  const where = [`input \`${name}\``];
  const kind = kindOf(given);
  const arrays = arrayNames(dtype);
  const count = countOf(shape);
  const allowed = `${arrays.join(" or ")} of ${count} for ${signatureOf(port)}`;
  const another = (what: string, found: string, hint?: string) =>
    new InputError(`an array of another ${what}`, { where, given: found, allowed, hint });
  if (!arrays.includes(kind)) throw another("type", kind, hintFor(port, arrays[0]));
  if (given.length !== count) {
    const hint = given.length ? undefined : "an array that was transferred to a worker is empty";
    throw another("length", `${kind} of ${given.length}`, hint);
  }
  const values = viewOf(dtype, given.buffer, given.byteOffset, count);
  if (dtype === "bool") {
    const at = (values as Uint8Array).findIndex((value) => value > 1);
    if (at >= 0) {
      where.push(`element ${at}`);
      throw new InputError("no bool", { where, given: values[at], allowed: "0 or 1" });
    }
  }
  return values;
}

function hintFor({ dtype }: Port, array = ""): string {
  if (dtype.endsWith("float16")) return `${array} holds the 16 bits of each element`;
  const bigs = array.startsWith("Big") ? ", of BigInts such as 7n" : "";
  return `\`${array}.from(values)\` makes one${bigs}`;
}

/** A port's type as text: `float[1,3,224,224]`. */
export function signatureOf({ dtype, shape }: Pick<Port, "dtype" | "shape">): string {
  return `${dtype}[${shape}]`;
}

/** Names as they stand in a message. */
export function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ") || "none";
}
