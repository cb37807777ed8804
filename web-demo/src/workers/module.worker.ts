/** Loads and runs compiled modules, away from the page's own thread. */
import { load, type Model, type Outputs, type Port } from "likewise-runtime";
import { answer, type Report } from "./call";

export interface ModuleSource {
  readonly key: string;
  /** An address, or the module itself. */
  readonly module: string | Uint8Array<ArrayBuffer>;
  readonly plain?: string | Uint8Array<ArrayBuffer> | undefined;
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

answer({
  async load({ key, module, plain }: ModuleSource, report: Report): Promise<ModuleFacts> {
    let downloadedBytes = 0;
    const away = typeof module === "string";
    const model = await load(module, {
      fallback: plain,
      onProgress: ({ loaded, total }) => {
        if (!away) return;
        downloadedBytes = loaded;
        report({ step: "Downloading the module", done: loaded, total });
      },
    });
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
    let outputs = model.run(arrays);
    const times: number[] = [];
    for (let at = 0; at < repeats; at++) {
      const start = performance.now();
      outputs = model.run(arrays);
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    const shapes = Object.fromEntries(
      model.outputs.map(({ name }) => [name, model.outputShape(name)]),
    );
    return { outputs, shapes, milliseconds: times[times.length >> 1] ?? 0 };
  },
});
