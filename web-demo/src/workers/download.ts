/** Downloads with progress, and in words where they fail. */
import type { Report } from "./call";

/** All of a file. Raises where there is no such address or the connection breaks off. */
export async function download(
  address: string,
  what: string,
  report: Report,
): Promise<Uint8Array<ArrayBuffer>> {
  const step = `Downloading ${what}`;
  report({ step });
  let response: Response;
  try {
    response = counted(await fetch(address), step, report);
  } catch (error) {
    throw new Error(`${what} could not be downloaded: ${wordsOf(error)}. Try again.`);
  }
  if (!response.ok) throw new Error(`${what} could not be downloaded: HTTP ${response.status}.`);
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Error(`The download of ${what} broke off: ${wordsOf(error)}. Try again.`);
  }
}

/** The response, each part of which is reported as it comes; `fail` hears where it breaks off. */
export function counted(
  response: Response,
  step: string,
  report: Report,
  fail: (error: unknown) => void = () => {},
): Response {
  const { body, headers, status } = response;
  if (!body || !response.ok) return response;
  const total = headers.has("content-encoding") ? 0 : Number(headers.get("content-length"));
  let done = 0;
  const counter = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      done += chunk.byteLength;
      report({ step, done, total: total || undefined });
      controller.enqueue(chunk);
    },
  });
  body.pipeTo(counter.writable).catch(fail);
  return new Response(counter.readable, { headers, status });
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
