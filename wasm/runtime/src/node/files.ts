import * as files from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { Part } from "../source.js";

/** How an address begins that is no path: one letter and a colon would be a drive of Windows. */
const SCHEME = /^[a-z][a-z\d+.-]+:/i;

/** The `file:` address of a path or `file:` address; undefined for any other. */
export function resolve(address: string): string | undefined {
  if (!SCHEME.test(address)) return address ? pathToFileURL(address).href : undefined;
  return /^file:/i.test(address) ? address : undefined;
}

/** A module as its bytes, weights as a stream; undefined for an address that is no file's. */
export function open(
  address: string | URL | Request,
  part: Part,
  signal: AbortSignal | undefined,
): Promise<BufferSource | Response> | undefined {
  const found = address instanceof Request ? undefined : resolve(String(address));
  if (found === undefined) return undefined;
  // A path goes as it is: messages then have the caller's words.
  const path = SCHEME.test(String(address)) ? new URL(found) : String(address);
  return part === "module" ? files.readFile(path, { signal }) : stream(path);
}

async function stream(path: string | URL): Promise<Response> {
  const file = await files.open(path);
  // Node's Response takes any iterable of bytes, as its types do not say.
  return new Response(file.createReadStream() as unknown as BodyInit);
}
