/** What the package is in Node: an address may be a path or a `file:` address, too, and there
 * are threads. */
import { type LoadOptions, load as loadAnywhere } from "../load.js";
import type { Model } from "../model.js";
import { platform, type Source } from "../source.js";
import { open, resolve } from "./files.js";
import { cores, worker } from "./workers.js";

Object.assign(platform, { open, resolve, cores, worker });

export * from "../index.js";

/** As in browsers. */
export async function load(
  source: Source | WebAssembly.Module,
  options?: LoadOptions,
): Promise<Model> {
  // Where nothing but a compilation is under way, Node waits for V8's threads without serving
  // them; now and then they wait for it, too, and that never ends (nodejs/node#54918).
  const busy = setInterval(() => {}, 2 ** 30);
  try {
    return await loadAnywhere(source, options);
  } finally {
    clearInterval(busy);
  }
}
