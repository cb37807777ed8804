import { type Compiled, compile, hasRelaxedSimd } from "./compile.js";
import { download } from "./download.js";
import { ModelError, NOT_OURS, wordsOf } from "./errors.js";
import { Model } from "./model.js";
import { readSection } from "./section.js";
import { beside, type DownloadOptions, placeOf, platform, type Source } from "./source.js";
import type { Crew } from "./threads.js";

/** What `load` can be told. */
export interface LoadOptions extends DownloadOptions {
  /**
   * The plain-SIMD twin of a fast module. It is taken at once where the engine lacks relaxed
   * SIMD, so that nothing is downloaded in vain, and where the engine refuses the first module.
   */
  readonly fallback?: Source | WebAssembly.Module | undefined;
  /**
   * The weights of a module that has them in a file of their own, the same for both twins. Without
   * it they are looked for beside the module, by the name that it gives them. Those of another
   * instance, `model.weights`, will do.
   */
  readonly weights?: Source | Uint8Array | undefined;
  /** No more threads than this, for a module that was compiled for several; one a core without. */
  readonly threads?: number | undefined;
}

/**
 * Load a module that `likewise compile` wrote. Compilation never blocks the caller's thread.
 * Raises DownloadError, ModelError or InputError, all of them LikewiseErrors, or the reason of
 * `signal` where that was aborted.
 */
export async function load(
  source: Source | WebAssembly.Module,
  options: LoadOptions = {},
): Promise<Model> {
  if (typeof WebAssembly !== "object") {
    throw new ModelError("this engine has no WebAssembly", { hint: "update it" });
  }
  const { fallback, weights } = options;
  // A download that fails before its turn is no rejection that nobody handles.
  Promise.resolve(weights).catch(() => {});
  if (!fallback) return start(source, options);
  if (!hasRelaxedSimd()) return start(fallback, options);
  try {
    return await start(source, options);
  } catch (error) {
    // Refused code is all that a twin can help with.
    if (!((error as Error).cause instanceof WebAssembly.CompileError)) throw error;
    return start(fallback, options);
  }
}

async function start(given: Source | WebAssembly.Module, options: LoadOptions): Promise<Model> {
  const source = await given;
  const where = placeOf(source);
  const { module, instance, loaded }: Compiled =
    source instanceof WebAssembly.Module
      ? { module: source, loaded: 0 }
      : await compile(source, where, options);
  const section = readSection(module, where);
  const { weights, threads } = section;
  let crew: Crew;
  try {
    crew = threads
      ? await (await import("./threads.js")).crewOf(platform, module, threads, options.threads)
      : { instance: await (instance ?? WebAssembly.instantiate(module)), threads: 1, close() {} };
  } catch (error) {
    throw new ModelError("the module cannot be started", {
      where,
      given: wordsOf(error),
      hint: error instanceof RangeError ? "dispose of other models" : NOT_OURS,
      cause: error,
    });
  }
  try {
    options.signal?.throwIfAborted();
    const model = new Model(module, section, crew, where);
    if (weights && !instance) {
      const from = (await options.weights) ?? beside(source, weights.name);
      const { fill } = await import("./weights.js");
      await fill(weights, model.weights as Uint8Array, from, where, loaded, options, download);
    }
    return model;
  } catch (error) {
    crew.close();
    throw error;
  }
}
