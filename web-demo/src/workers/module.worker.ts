/** Loads and runs compiled modules, away from the page's own thread. */
import { hasRelaxedSimd, load, type Model, type Outputs, type Port } from "likewise-runtime";
import type { SteppedModule } from "../engines/python";
import { answer, type Report } from "./call";
import { download } from "./download";

export interface ModuleSource {
  readonly key: string;
  /** An address, or the module itself. */
  readonly module: string | Uint8Array<ArrayBuffer>;
  readonly plain?: string | Uint8Array<ArrayBuffer> | undefined;
  /** Where the weights are, if not inside; modules of one model may share them. */
  readonly weights?: string | undefined;
}

export interface ModuleFacts {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly memoryBytes: number;
  /** What came over the network for it. */
  readonly downloadedBytes: number;
}

export interface RunRequest {
  readonly key: string;
  readonly feeds: Readonly<Record<string, { readonly data: unknown }>>;
  /** Milliseconds for which it runs, again and again; once at least. */
  readonly timed: number;
}

export interface RunAnswer {
  readonly outputs: Outputs;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly milliseconds: number;
}

export interface TimingRequest extends SteppedModule {
  readonly feeds: RunRequest["feeds"];
}

/** Milliseconds of timing, and of the rounds before that let the engine's best code be ready. */
const [WARM_UP, TIMED] = [400, 800];
const FEWEST_ROUNDS = 4;

const models = new Map<string, Model>();
const kept = new Map<string, Uint8Array<ArrayBuffer>>();

answer({
  async load({ key, module, plain, weights }: ModuleSource, report: Report): Promise<ModuleFacts> {
    let downloadedBytes = 0;
    async function fetched(address: string, what: string) {
      const content = await download(address, what, report);
      downloadedBytes += content.byteLength;
      return content;
    }
    // Where the engine lacks relaxed SIMD, the twin is what is downloaded.
    const twin = plain && !hasRelaxedSimd();
    const chosen = twin ? plain : module;
    const code = typeof chosen === "string" ? await fetched(chosen, "the module") : chosen;
    if (weights && !kept.has(weights)) kept.set(weights, await fetched(weights, "the weights"));
    report({ step: "Starting the module" });
    const options = { fallback: twin ? undefined : plain, weights: weights && kept.get(weights) };
    const model = await load(code, options);
    models.set(key, model);
    const { inputs, outputs, memoryBytes } = model;
    return { inputs, outputs, memoryBytes, downloadedBytes };
  },

  run({ key, feeds, timed }: RunRequest): RunAnswer {
    const model = models.get(key);
    if (!model) throw new Error(`${key} is not loaded`);
    const arrays = Object.fromEntries(
      Object.entries(feeds).map(([name, { data }]) => [name, data as Float32Array]),
    );
    let outputs: Outputs = {};
    const times: number[] = [];
    const end = performance.now() + timed;
    do {
      const start = performance.now();
      outputs = model.run(arrays);
      times.push(performance.now() - start);
    } while (performance.now() < end);
    // The browser compiles the module anew while it runs: the later half counts, and its median.
    const late = times.slice(times.length >> 1).sort((a, b) => a - b);
    const shapes = Object.fromEntries(
      model.outputs.map(({ name }) => [name, model.outputShape(name)]),
    );
    return { outputs, shapes, milliseconds: late[late.length >> 1] ?? 0 };
  },

  /**
   * The mean milliseconds of each step, in rounds of all of them. The clock may be coarse: what it
   * misses of one step it adds to another, by chance, so that means over many rounds are right.
   */
  async time({ module, steps, places, feeds }: TimingRequest): Promise<readonly number[]> {
    const { instance } = await WebAssembly.instantiate(module);
    const { buffer } = instance.exports["memory"] as WebAssembly.Memory;
    for (const [name, { data }] of Object.entries(feeds)) {
      const given = data as Uint8Array;
      const bytes = new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
      new Uint8Array(buffer, places[name], bytes.length).set(bytes);
    }
    const calls = steps.map(({ name }) => instance.exports[name] as () => void);
    const end = performance.now() + WARM_UP;
    do for (const call of calls) call();
    while (performance.now() < end);
    const spent = calls.map(() => 0);
    const start = performance.now();
    let [now, rounds] = [start, 0];
    while (rounds < FEWEST_ROUNDS || now - start < TIMED) {
      for (const [at, call] of calls.entries()) {
        const before = now;
        call();
        now = performance.now();
        spent[at] = (spent[at] ?? 0) + now - before;
      }
      rounds++;
    }
    return spent.map((time) => time / rounds);
  },
});
