/** The three engines of the page; the last two share one Python. */
import type { EngineName } from "./engine";
import { Kernels } from "./kernels";
import { Compiled, Prebuilt } from "./modules";
import { Numpy, Python } from "./python";

export const python = new Python();

export const kernels = new Kernels(python);

export const ENGINES = [new Prebuilt(), new Compiled(python), new Numpy(python)] as const;

export const TITLES: Readonly<Record<EngineName, readonly [string, string]>> = {
  prebuilt: [
    "Compiled beforehand",
    "A WebAssembly module that likewise made when the page was built.",
  ],
  compiled: [
    "Compiled here",
    "The same compiler, in this page: Python in WebAssembly writes WebAssembly.",
  ],
  numpy: ["NumPy", "The reference: every operator in NumPy, in Python, in this page."],
};

/** A module of one function that uses a vector of 128 bits. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
  253, 98, 11,
]);

/** Why compiled modules cannot run in this browser; undefined where they can. */
export function simdMissing(): string | undefined {
  if (typeof WebAssembly !== "object") {
    return "This browser has no WebAssembly: none of the engines can run. Please update it.";
  }
  if (WebAssembly.validate(SIMD)) return undefined;
  return "This browser's WebAssembly has no SIMD, which compiled modules use. NumPy runs all the same.";
}
