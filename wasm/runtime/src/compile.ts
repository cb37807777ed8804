import { download } from "./download.js";
import { ModelError, NOT_OURS } from "./errors.js";
import type { DownloadOptions, Opened } from "./source.js";

const MAGIC = "\0asm";

/**
 * Bytes from which on the weights are read past the engine, which would keep them beside the memory.
 * The price: a browser whose cache has room for such a file keeps no machine code with it.
 */
const LARGE = 64 << 20;

/** A function whose body is an i8x16.relaxed_swizzle: valid where there is relaxed SIMD. */
const RELAXED = "AGFzbQEAAAABBQFgAAF7AwIBAAoPAQ0AQQH9D0EC/Q/9gAIL";

/** Whether this engine has relaxed SIMD, which fast modules use. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(Uint8Array.from(atob(RELAXED), (letter) => letter.charCodeAt(0)));
}

/** A compiled module, and how many bytes it was, as far as they were counted. */
export interface Compiled {
  readonly module: WebAssembly.Module;
  /** With its weights, where those were read past the engine. */
  readonly instance?: Promise<WebAssembly.Instance>;
  readonly loaded: number;
}

/**
 * Read `source` and compile it off the caller's thread, while it downloads.
 * Raises DownloadError, ModelError, InputError, or the signal's own reason; where the engine
 * refuses the code, the ModelError's `cause` is a WebAssembly.CompileError.
 */
export async function compile(
  source: Opened,
  where: readonly string[],
  options: DownloadOptions,
): Promise<Compiled> {
  let loaded = 0;
  let weights = 0;
  try {
    const found = await download(source, where, options, {
      part: "module",
      before: 0,
      take(chunk, at, size) {
        if (!at) weights = checkStart(chunk, where);
        loaded = at + chunk.length;
        return size && size + weights;
      },
      async use(content, size) {
        if (!(content instanceof Response)) return { module: await WebAssembly.compile(content) };
        if (size >= LARGE) return (await import("./large.js")).compileLarge(content, where);
        return { module: await WebAssembly.compileStreaming(content) };
      },
    });
    return { ...found, loaded };
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    throw new ModelError("this engine cannot compile the module", {
      where,
      given: error.message,
      hint: hasRelaxedSimd()
        ? "the file is damaged, or the engine too old"
        : "the engine lacks relaxed SIMD: give the plain-SIMD twin as `fallback`",
      cause: error,
    });
  }
}

/**
 * The size of the weights beside a module, 0 for weights inside: the section comes first in a
 * module, and that size in the section.
 */
function checkStart(bytes: Uint8Array, where: readonly string[]): number {
  const text = String.fromCharCode(...bytes.subarray(0, 64));
  const start = text.slice(0, 12);
  if (start.startsWith(MAGIC.slice(0, start.length || 1))) {
    return Number(/likewise{"weights":{"bytes":(\d+)/.exec(text)?.[1] ?? 0);
  }
  throw new ModelError("these bytes are no WebAssembly module", {
    where,
    given: `they begin with ${JSON.stringify(start)}`,
    hint: start.trimStart().startsWith("<") ? "this is a page that the server sent" : NOT_OURS,
  });
}
