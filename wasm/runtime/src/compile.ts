import { DownloadError, LikewiseError, ModelError, NOT_OURS, wordsOf } from "./errors.js";
import { type DownloadOptions, open, placeOf, type Source } from "./source.js";

const MIME = "application/wasm";
const MAGIC = "\0asm";

/** A function whose body is an i8x16.relaxed_swizzle: valid where there is relaxed SIMD. */
const RELAXED = "0061736d010000000105016000017b030201000a0f010d004101fd0f4102fd0ffd80020b";

/** Whether this engine has relaxed SIMD, which fast modules use. */
export function hasRelaxedSimd(): boolean {
  const bytes = RELAXED.match(/../g) as string[];
  return WebAssembly.validate(Uint8Array.from(bytes, (pair) => Number.parseInt(pair, 16)));
}

/**
 * Read `source` and compile it off the caller's thread, while it downloads.
 * Raises DownloadError, ModelError, InputError, or the signal's own reason; where the engine
 * refuses the code, the ModelError's `cause` is a WebAssembly.CompileError.
 */
export async function compile(
  source: Source,
  options: DownloadOptions,
): Promise<WebAssembly.Module> {
  const { onProgress, signal } = options;
  const { content, total, own } = await open(source, options);
  const where = [...placeOf(source), ...placeOf(content)].slice(0, 1);
  const stop = new AbortController();
  signal?.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
  let loaded = 0;
  let refused: unknown;
  const count = (chunk: Uint8Array) => {
    try {
      if (!loaded) checkMagic(chunk, where);
      loaded += chunk.length;
      onProgress?.({ loaded, total: total && total >= loaded ? total : undefined });
    } catch (error) {
      refused = error; // not every engine passes on why a stream failed
      throw error;
    }
  };
  try {
    if (!(content instanceof Response)) {
      count(ArrayBuffer.isView(content) ? asBytes(content) : new Uint8Array(content));
      return await WebAssembly.compile(content);
    }
    // Handed over untouched, a browser keeps the machine code in its cache beside the file.
    const typed = content.headers.get("content-type") === MIME;
    if (typed && !onProgress && (own || !signal))
      return await WebAssembly.compileStreaming(content);
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        count(chunk);
        controller.enqueue(chunk);
      },
    });
    const counted = content.body?.pipeThrough(counter, { signal: stop.signal }) as ReadableStream;
    const headers = { "content-type": MIME };
    return await WebAssembly.compileStreaming(new Response(counted, { headers }));
  } catch (error) {
    signal?.throwIfAborted();
    throw (
      refused ?? explained(error, loaded && `, after ${loaded} of ${total ?? "?"} bytes`, where)
    );
  } finally {
    stop.abort(); // ends a download that nobody waits for any more
  }
}

function asBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function checkMagic(bytes: Uint8Array, where: readonly string[]): void {
  const start = String.fromCharCode(...bytes.subarray(0, 12));
  if (start.startsWith(MAGIC.slice(0, start.length || 1))) return;
  throw new ModelError("these bytes are no WebAssembly module", {
    where,
    given: `they begin with ${JSON.stringify(start)}`,
    hint: start.trimStart().startsWith("<") ? "this is a page that the server sent" : NOT_OURS,
  });
}

/** `read` says how much has come, as far as that was counted. */
function explained(error: unknown, read: string | 0, where: readonly string[]): unknown {
  if (error instanceof LikewiseError) return error;
  const given = wordsOf(error);
  if (!(error instanceof WebAssembly.CompileError)) {
    return new DownloadError("the download broke off", {
      where,
      given: given + (read || ""),
      hint: "try again",
      cause: error,
    });
  }
  return new ModelError("this engine cannot compile the module", {
    where,
    given,
    hint: hasRelaxedSimd()
      ? "the file is damaged, or the engine too old"
      : "the engine lacks relaxed SIMD: give the plain-SIMD twin as `fallback`, if there is one",
    cause: error,
  });
}
