import { kindOf } from "./dtypes.js";
import { DownloadError, InputError, wordsOf } from "./errors.js";
import type { Helper } from "./threads.js";

/**
 * Where a module comes from: an address (a text is resolved against the page; in Node a text
 * without a scheme is a path), a response or the promise of one, a file or its bytes.
 */
export type Source = Opened | Promise<Response>;

/** A source that is no promise. */
export type Opened = string | URL | Request | Response | Blob | BufferSource;

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

/** Which of a model's files is meant. */
export type Part = "module" | "weights";

/** What a message calls `source`. */
export function placeOf(source: unknown): readonly string[] {
  if (typeof source === "string") return [source];
  const { href, url, name } = Object(source);
  const found = href || url || name;
  return typeof found === "string" ? [found] : [];
}

/** What only some platforms can do: Node's entry adds its files and threads. */
export interface Platform {
  /** Opens an address that `fetch` does not reach; undefined for any other. */
  open?(
    address: string | URL | Request,
    part: Part,
    signal: AbortSignal | undefined,
  ): Promise<BufferSource | Response> | undefined;
  /** The absolute address of what `open` opens. */
  resolve?(address: string): string | undefined;
  /** How many threads may run at once. */
  cores?(): number;
  /** A worker that runs a script as browsers' workers do. */
  worker?(script: string): Helper;
}

export const platform: Platform = {};

/** The address of the file `name` beside `source`; undefined where that has none. */
export function beside(source: unknown, name: string): URL | undefined {
  try {
    const [address = ""] = source instanceof Blob ? [] : placeOf(source);
    // A Request resolves an address as `fetch` does, in pages and workers.
    const base = platform.resolve?.(address) ?? new Request(address).url;
    return address ? new URL(encodeURIComponent(name), base) : undefined;
  } catch {
    return undefined; // data: and blob: have no folder
  }
}

/**
 * Begin to read `source`; raises DownloadError where it cannot be had, InputError if it is none.
 */
export async function open(
  source: Opened,
  part: Part,
  signal: AbortSignal | undefined,
): Promise<BufferSource | Response> {
  signal?.throwIfAborted();
  let content = source;
  if (typeof content === "string" || content instanceof URL || content instanceof Request) {
    content = await reach(content, part, signal);
  }
  if (content instanceof ArrayBuffer || ArrayBuffer.isView(content)) return content;
  if (content instanceof Blob) {
    return new Response(content, { headers: { "content-length": `${content.size}` } });
  }
  if (content instanceof Response) return answered(content, part);
  throw new InputError(`the ${part} cannot be loaded from this`, {
    given: kindOf(content),
    allowed: "an address, a Response, a Blob or bytes",
  });
}

/** The answer of a server, or what the platform opens. */
async function reach(
  address: string | URL | Request,
  part: Part,
  signal: AbortSignal | undefined,
): Promise<BufferSource | Response> {
  const opened = platform.open?.(address, part, signal);
  try {
    return await (opened ?? fetch(address, { signal: signal ?? null }));
  } catch (error) {
    signal?.throwIfAborted();
    const hint = opened ? undefined : "check the address, the network, and CORS for another origin";
    throw unreadable(part, address, wordsOf(error), hint, error);
  }
}

function answered(response: Response, part: Part): Response {
  if (!response.ok) {
    response.body?.cancel().catch(() => {});
    throw unreadable(part, response, `HTTP ${response.status}`, "check the address");
  }
  if (response.bodyUsed || !response.body) {
    const where = placeOf(response);
    throw new InputError("the response was read already", { where, hint: "pass its `clone()`" });
  }
  return response;
}

function unreadable(part: Part, source: unknown, given: string, hint?: string, cause?: unknown) {
  const where = placeOf(source);
  return new DownloadError(`the ${part} cannot be read`, { where, given, hint, cause });
}
