import type { Platform } from "./source.js";

/** What a module that was compiled for threads says of them. */
export interface StoredThreads {
  /** The most that share its work. */
  readonly count: number;
  /** The size of the memory that they share, in pages. */
  readonly pages: number;
}

/** A worker, as far as it is needed here. */
export interface Helper {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: string }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  terminate(): unknown;
}

/** The instance whose `run` is called, how many share its work, and what ends the others. */
export interface Crew {
  readonly instance: WebAssembly.Instance;
  readonly threads: number;
  readonly close: () => void;
}

interface Exports {
  crew(workers: number, waits: number): void;
  stop(): void;
}

/** All that a worker runs: text, so that there is no other file whose address must be known. */
const SCRIPT = `onmessage = async ({ data: [module, memory, number] }) => {
  let exports;
  try {
    ({ exports } = await WebAssembly.instantiate(module, { likewise: { memory } }));
    postMessage("");
    exports.work(number);
  } catch (error) {
    exports ? exports.fail() : postMessage(String(error));
  }
  close();
};`;
/** Milliseconds after which a worker that says nothing is given up. */
const PATIENCE = 20_000;
let told = false;

/**
 * Instantiate a module that shares its memory, here and in workers: as many as there are cores,
 * but not more than `most` and what the module was compiled for. Where none can be had, this
 * thread does all the work, and says so once. Raises what `WebAssembly.instantiate` does.
 */
export async function crewOf(
  platform: Platform,
  module: WebAssembly.Module,
  { count, pages }: StoredThreads,
  most = platform.cores?.() ?? globalThis.navigator?.hardwareConcurrency ?? 1,
): Promise<Crew> {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const instance = await WebAssembly.instantiate(module, { likewise: { memory } });
  const { crew, stop } = instance.exports as unknown as Exports;
  const wanted = Math.min(count, most) - 1;
  let helpers: Helper[] = [];
  if (wanted > 0) {
    try {
      helpers = start(platform, wanted);
      await Promise.all(helpers.map((helper, at) => ready(helper, [module, memory, at + 1])));
      crew(wanted, Number(mayWait(memory)));
    } catch (error) {
      stop();
      for (const helper of helpers) helper.terminate();
      helpers = [];
      if (!told) console.warn(`likewise: one thread only: ${(error as Error).message}`);
      told = true;
    }
  }
  // Workers that run need not be terminated: sent home, they end by themselves.
  return { instance, threads: helpers.length + 1, close: stop };
}

function start(platform: Platform, count: number): Helper[] {
  if (globalThis.crossOriginIsolated === false) {
    throw new Error("this page is not cross-origin isolated (COOP and COEP headers)");
  }
  const helpers: Helper[] = [];
  const url = platform.worker
    ? ""
    : URL.createObjectURL(new Blob([SCRIPT], { type: "text/javascript" }));
  while (helpers.length < count)
    helpers.push(platform.worker?.(SCRIPT) ?? (new Worker(url) as Helper));
  return helpers;
}

/** Have a worker started on module, memory and its number. */
function ready(helper: Helper, start: readonly [WebAssembly.Module, WebAssembly.Memory, number]) {
  return new Promise<void>((resolve, reject) => {
    const end = (why?: string) => {
      clearTimeout(timer);
      why ? reject(new Error(`a worker did not start: ${why}`)) : resolve();
    };
    const timer = setTimeout(end, PATIENCE, "it does not answer");
    helper.onmessage = ({ data }) => end(data);
    helper.onerror = ({ message }) => end(message || "it could not be loaded");
    helper.postMessage(start);
  });
}

/** Whether this thread may wait for others: that of a page may not. */
function mayWait({ buffer }: WebAssembly.Memory): boolean {
  try {
    Atomics.wait(new Int32Array(buffer), 0, -1);
    return true;
  } catch {
    return false;
  }
}
