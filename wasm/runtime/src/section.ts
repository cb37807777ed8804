import { bytesOf, type DType } from "./dtypes.js";
import { ModelError, NOT_OURS, wordsOf } from "./errors.js";
import type { StoredThreads } from "./threads.js";

/** The custom section's name. */
export const SECTION = "likewise";
/** The version of the section that this package reads. */
const VERSION = 1;

/** An input or output of a model. */
export interface Port {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes of the axes; where `dynamicAxis` is given, that axis's size is the largest possible. */
  readonly shape: readonly number[];
  /** The axis whose size depends on the data; only outputs have one. */
  readonly dynamicAxis?: number;
}

/** A port as the section describes it. */
export interface StoredPort {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Where its elements stand in the module's memory. */
  readonly offset: number;
  readonly bytes: number;
  /** The byte offset of an i32 that is, after a run, the real size of `axis`. */
  readonly length?: { readonly offset: number; readonly axis: number };
}

/** Weights that lie in a file of their own, and where in the module's memory they belong. */
export interface StoredWeights {
  /** The file's name beside the module. */
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
  /** Of every 4 MiB; none for weights out of the module itself. */
  readonly sha256?: readonly string[];
}

/** `strict` gives the same bits on every engine; `fast` may use relaxed SIMD. */
export type Numerics = "strict" | "fast";

/** What a module says of itself. Whether its ports lie within the memory is not checked yet. */
export interface Section {
  readonly version: number;
  readonly numerics: Numerics;
  readonly source_sha256: string;
  readonly inputs: readonly StoredPort[];
  readonly outputs: readonly StoredPort[];
  readonly golden: object;
  readonly weights?: StoredWeights;
  readonly threads?: StoredThreads;
}

/** Read the section of `module`, which came from `where`; raises ModelError if it is none of ours. */
export function readSection(module: WebAssembly.Module, where: readonly string[]): Section {
  const [content] = WebAssembly.Module.customSections(module, SECTION);
  if (!content) {
    throw new ModelError(`this module has no section \`${SECTION}\``, { where, hint: NOT_OURS });
  }
  let section: Section;
  try {
    section = JSON.parse(new TextDecoder().decode(content));
    if (section.version === VERSION) {
      section.inputs.forEach(checkPort);
      section.outputs.forEach(checkPort);
    }
  } catch (error) {
    throw brokenSection(error, where);
  }
  const { version } = section;
  if (version !== VERSION) {
    throw new ModelError("this version of likewise-runtime cannot run the module", {
      where,
      given: `section version ${version}`,
      allowed: VERSION,
      hint: "compile the model again, or update likewise-runtime",
    });
  }
  return section;
}

/** The error for a section that contradicts itself or the module. */
export function brokenSection(error: unknown, where: readonly string[]): ModelError {
  return new ModelError(`the section \`${SECTION}\` is broken`, {
    where,
    given: wordsOf(error),
    hint: NOT_OURS,
    cause: error,
  });
}

/** Elements of an array of that shape. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((all, size) => all * size, 1);
}

function checkPort({ name, dtype, shape, bytes, length }: StoredPort): void {
  // Also false where a size or the type is missing: no comparison with NaN holds.
  const fits = bytes === countOf(shape) * bytesOf(dtype);
  if (!fits || (length && shape[length.axis] === undefined)) {
    throw new TypeError(`port ${name}: ${dtype}[${shape}] in ${bytes} bytes`);
  }
}
