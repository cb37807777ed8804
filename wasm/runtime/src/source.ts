import { kindOf } from "./dtypes.js";
import { DownloadError, InputError, wordsOf } from "./errors.js";

/**
 * Where a module comes from: an address (a text is resolved against the page; in Node a text
 * without a scheme is a path), a response or the promise of one, a file or its bytes.
 */
export type Source = string | URL | Request | Response | Promise<Response> | Blob | BufferSource;

/** How far a download is. */
export interface Progress {
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all; undefined where the server does not say, or compresses what it sends. */
  readonly total: number | undefined;
}

/** What `load` lets a download report, and how it is stopped. */
export interface DownloadOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes at hand, or on their way. */
export interface Opened {
  readonly content: BufferSource | Response;
  readonly total: number | undefined;
  /** Whether `signal` already stops the download, as it was begun here. */
  readonly own: boolean;
}

interface NodeLike {
  readonly process?: { getBuiltinModule?: (name: string) => FileSystem | undefined };
}

interface FileSystem {
  readonly promises: { readFile(path: string | URL, options: object): Promise<BufferSource> };
}

/** What a message calls `source`. */
export function placeOf(source: unknown): readonly string[] {
  if (typeof source === "string") return [source];
  const { href, url, name } = Object(source);
  const found = href || url || name;
  return typeof found === "string" ? [found] : [];
}

/** Begin to read `source`; raises DownloadError where it cannot be had, InputError if it is none. */
export async function open(source: Source, { signal }: DownloadOptions): Promise<Opened> {
  let content = source instanceof Promise ? await source : source;
  const own = !(content instanceof Response);
  signal?.throwIfAborted();
  if (typeof content === "string" || content instanceof URL || content instanceof Request) {
    content = await reach(content, signal);
  }
  if (content instanceof ArrayBuffer || ArrayBuffer.isView(content)) {
    return { content, total: content.byteLength, own };
  }
  if (content instanceof Blob) return { content: new Response(content), total: content.size, own };
  if (content instanceof Response) return answered(content, own);
  throw new InputError("a module cannot be loaded from this", {
    given: kindOf(content),
    allowed: "an address, a Response, a Blob, bytes or a WebAssembly.Module",
  });
}

/** The answer of a server; in Node, the bytes of a path or `file:` address. */
async function reach(
  address: string | URL | Request,
  signal?: AbortSignal,
): Promise<BufferSource | Response> {
  const { process } = globalThis as NodeLike;
  const text = String(address);
  // One letter and a colon is a drive of Windows, not a scheme.
  const scheme = /^[a-z][a-z\d+.-]+:/i.exec(text)?.[0];
  const local = !scheme || /^file:/i.test(scheme);
  const files = local && !(address instanceof Request) && process?.getBuiltinModule?.("node:fs");
  try {
    return await (files
      ? files.promises.readFile(scheme ? new URL(text) : text, { signal })
      : fetch(address, { signal: signal ?? null }));
  } catch (error) {
    signal?.throwIfAborted();
    throw new DownloadError("the module cannot be read", {
      where: placeOf(address),
      given: wordsOf(error),
      hint: files ? undefined : "check the address, the network, and CORS for another origin",
      cause: error,
    });
  }
}

function answered(response: Response, own: boolean): Opened {
  const where = placeOf(response);
  if (!response.ok) {
    response.body?.cancel().catch(() => {});
    throw new DownloadError("the module cannot be read", {
      where,
      given: `HTTP ${response.status}`,
      hint: "check the address",
    });
  }
  if (response.bodyUsed || !response.body) {
    throw new InputError("the response was read already", { where, hint: "pass its `clone()`" });
  }
  const length = response.headers.get("content-length");
  // The length counts what is sent, not what is read, where the sender compresses.
  const known = length && !response.headers.has("content-encoding");
  return { content: response, total: known ? Number(length) : undefined, own };
}
