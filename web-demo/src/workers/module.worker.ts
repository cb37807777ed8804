/** Loads and runs compiled modules, away from the page's own thread. */
import { hasRelaxedSimd, load, type Model, type Outputs, type Port } from "likewise-runtime";
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
  readonly repeats: number;
}

export interface RunAnswer {
  readonly outputs: Outputs;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly milliseconds: number;
}

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

  run({ key, feeds, repeats }: RunRequest): RunAnswer {
    const model = models.get(key);
    if (!model) throw new Error(`${key} is not loaded`);
    const arrays = Object.fromEntries(
      Object.entries(feeds).map(([name, { data }]) => [name, data as Float32Array]),
    );
    let outputs: Outputs = {};
    const times: number[] = [];
    for (let at = 0; at < repeats; at++) {
      const start = performance.now();
      outputs = model.run(arrays);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b); // of several runs the first is slow, and the median is shown
    const shapes = Object.fromEntries(
      model.outputs.map(({ name }) => [name, model.outputShape(name)]),
    );
    return { outputs, shapes, milliseconds: times[times.length >> 1] ?? 0 };
  },
});
