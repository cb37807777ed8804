import type { download } from "./download.js";
import { InputError, ModelError } from "./errors.js";
import { brokenSection, type StoredWeights } from "./section.js";
import type { DownloadOptions, Opened } from "./source.js";

/** Bytes that have a hash of their own. */
const PART = 4 << 20;

/**
 * Read weights to `target`, their place in memory, chunk by chunk. Progress goes on from `before`,
 * the bytes of the module, which messages call `module`. `read` is `download`, given so that the
 * two need no third script. Raises DownloadError, InputError, the signal's own reason, or
 * ModelError where they are another module's.
 */
export async function fill(
  { name, sha256 }: StoredWeights,
  target: Uint8Array,
  source: Opened | Uint8Array | undefined,
  module: readonly string[],
  before: number,
  options: DownloadOptions,
  read: typeof download,
): Promise<void> {
  const { length } = target;
  if (sha256 && sha256.length !== Math.ceil(length / PART)) {
    throw brokenSection("a hash of the weights is missing", module);
  }
  if (source === undefined) {
    throw new InputError("the weights lie in another file", {
      where: module,
      hint: `pass \`${name}\` as \`weights\``,
    });
  }
  const where = [...module, name];
  const check = (what: string, given: string | number, allowed: string | number, place = "") => {
    if (given === allowed) return;
    throw new ModelError("these are not the module's weights", {
      where,
      given: `${what} ${given}${place}`,
      allowed,
      hint: "take both from one `likewise compile`",
    });
  };
  let end = 0;
  const hashes: Promise<ArrayBuffer>[] = [];
  // Pages of plain http have no `subtle`; there the length has to do.
  const expected = (globalThis.crypto?.subtle && sha256) || [];
  /** Hash the parts of which all `size` bytes are there, beside the download of those after them. */
  const hash = (size: number) => {
    while (hashes.length < expected.length) {
      const [from, to] = [hashes.length * PART, (hashes.length + 1) * PART];
      if (size < Math.min(to, length)) break;
      const part = target.subarray(from, to);
      // It takes no memory that threads share.
      const owned = part.buffer instanceof ArrayBuffer ? part : part.slice();
      hashes.push(crypto.subtle.digest("SHA-256", owned as Uint8Array<ArrayBuffer>));
    }
  };
  await read(source as Opened, where, options, {
    part: "weights",
    before,
    take(chunk, at) {
      end = at + chunk.length;
      if (end > length) check("size", end, length);
      target.set(chunk, at);
      hash(end);
      return before + length;
    },
    use: async (content) => {
      if (content instanceof Response) await content.body?.pipeTo(new WritableStream());
    },
  });
  check("size", end, length);
  for (const [at, found] of (await Promise.all(hashes)).entries()) {
    const digits = Array.from(new Uint8Array(found), (one) => one.toString(16).padStart(2, "0"));
    check("SHA-256", digits.join(""), `${expected[at]}`, ` from byte ${at * PART} on`);
  }
}
