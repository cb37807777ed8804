import { download } from "./download.js";
import { InputError, ModelError } from "./errors.js";
import { brokenSection, type StoredWeights } from "./section.js";
import type { DownloadOptions, Opened } from "./source.js";

/**
 * Read weights to their place in `memory`, chunk by chunk. Progress goes on from `before`, the
 * bytes of the module, which messages call `module`. Raises DownloadError, InputError, the
 * signal's own reason, or ModelError where they are another module's.
 */
export async function fill(
  { name, offset, bytes, sha256 }: StoredWeights,
  memory: ArrayBuffer,
  source: Opened | undefined,
  module: readonly string[],
  before: number,
  options: DownloadOptions,
): Promise<void> {
  let target: Uint8Array<ArrayBuffer>;
  try {
    target = new Uint8Array(memory, offset, bytes);
  } catch (error) {
    throw brokenSection(error, module);
  }
  if (source === undefined) {
    throw new InputError("the weights lie in another file", {
      where: module,
      hint: `pass \`${name}\` as \`weights\``,
    });
  }
  const where = [...module, name];
  const check = (what: string, given: string | number, allowed: string | number) => {
    if (given === allowed) return;
    throw new ModelError("these are not the module's weights", {
      where,
      given: `${what} ${given}`,
      allowed,
      hint: "take both from one `likewise compile`",
    });
  };
  let end = 0;
  await download(source, where, options, {
    part: "weights",
    before,
    take(chunk, at) {
      end = at + chunk.length;
      if (end > bytes) check("size", end, bytes);
      target.set(chunk, at);
      return before + bytes;
    },
    use: async (content) => {
      if (content instanceof Response) await content.body?.pipeTo(new WritableStream());
    },
  });
  check("size", end, bytes);
  // Pages of plain http have no `subtle`; there the length has to do.
  // It takes no memory that threads share.
  const digest = await globalThis.crypto?.subtle?.digest(
    "SHA-256",
    memory instanceof ArrayBuffer ? target : target.slice(),
  );
  if (!digest) return;
  const digits = Array.from(new Uint8Array(digest), (one) => one.toString(16).padStart(2, "0"));
  check("SHA-256", digits.join(""), sha256);
}
