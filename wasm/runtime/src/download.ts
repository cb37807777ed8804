import { DownloadError, LikewiseError, wordsOf } from "./errors.js";
import { type DownloadOptions, type Opened, open, type Part } from "./source.js";

const MIME = "application/wasm";

/** What becomes of a file that is read. */
export interface Reader<T> {
  readonly part: Part;
  /** The bytes of the files before it, where progress goes on. */
  readonly before: number;
  /**
   * Sees every chunk, which begins `at` bytes into the file of `size` bytes, 0 where that is
   * unknown. Gives the bytes of all files, or 0.
   */
  readonly take: (chunk: Uint8Array, at: number, size: number) => number;
  /** Reads to the end, through `take` at last; `size` is that of the file, 0 where unknown. */
  readonly use: (content: BufferSource | Response, size: number) => Promise<T>;
}

/**
 * Read `source`, which messages call `where`. Raises DownloadError, InputError, what `take` and
 * `onProgress` raise, the signal's own reason, or a WebAssembly.CompileError.
 */
export async function download<T>(
  source: Opened,
  where: readonly string[],
  { onProgress, signal }: DownloadOptions,
  { part, before, take, use }: Reader<T>,
): Promise<T> {
  const content = await open(source, part, signal);
  const total = sizeOf(content);
  const stop = new AbortController();
  signal?.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
  let loaded = 0;
  let refused: unknown;
  const count = (chunk: Uint8Array) => {
    try {
      const all = take(chunk, loaded, total);
      loaded += chunk.length;
      const sum = before + loaded;
      onProgress?.({ loaded: sum, total: all >= sum ? all : undefined });
    } catch (error) {
      refused = error; // not every engine passes on why a stream failed
      throw error;
    }
  };
  try {
    if (!(content instanceof Response)) {
      count(
        ArrayBuffer.isView(content)
          ? new Uint8Array(content.buffer, content.byteOffset, content.byteLength)
          : new Uint8Array(content),
      );
      return await use(content, total);
    }
    // Handed over untouched, a browser keeps the machine code in its cache beside the file.
    const typed = content.headers.get("content-type") === MIME && part === "module";
    // Its own `fetch` has the signal already.
    if (typed && !onProgress && !(signal && source instanceof Response))
      return await use(content, total);
    const counter = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        count(chunk);
        controller.enqueue(chunk);
      },
    });
    const counted = content.body?.pipeThrough(counter, { signal: stop.signal }) as ReadableStream;
    return await use(new Response(counted, { headers: { "content-type": MIME } }), total);
  } catch (error) {
    signal?.throwIfAborted();
    if (refused) throw refused;
    if (error instanceof LikewiseError || error instanceof WebAssembly.CompileError) throw error;
    const read = loaded && `, after ${loaded} of ${total || "?"} bytes`;
    throw new DownloadError("the download broke off", {
      where,
      given: wordsOf(error) + (read || ""),
      hint: "try again",
      cause: error,
    });
  } finally {
    stop.abort(); // ends a download that nobody waits for any more
  }
}

/** The size of what is read; 0 where it is not known, or of what is sent, which is compressed. */
function sizeOf(content: BufferSource | Response): number {
  if (!(content instanceof Response)) return content.byteLength;
  const { headers } = content;
  return headers.has("content-encoding") ? 0 : Number(headers.get("content-length"));
}
