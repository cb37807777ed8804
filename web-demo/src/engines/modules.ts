/** The engines that run compiled modules: made beforehand, or here in the page. */
import { Caller, type Report } from "../workers/call";
import type { ModuleFacts, RunAnswer } from "../workers/module.worker";
import type { Answer, Engine, EngineName, Ready, Subject, Tensor, Tensors } from "./engine";
import type { Python } from "./python";

export const startModules = () =>
  new Worker(new URL("../workers/module.worker.ts", import.meta.url), { type: "module" });

interface Made {
  readonly module: string | Uint8Array<ArrayBuffer>;
  readonly plain: string | Uint8Array<ArrayBuffer> | undefined;
  readonly weights?: string | undefined;
  readonly downloadedBytes: number;
  readonly pythonBytes: number;
}

abstract class ModuleEngine implements Engine {
  abstract readonly name: EngineName;
  readonly #prepared = new Map<string, { readonly facts: ModuleFacts; readonly ready: Ready }>();
  readonly #caller = new Caller(startModules, () => this.#prepared.clear());

  protected abstract make(subject: Subject, report: Report): Promise<Made>;

  async prepare(subject: Subject, report: Report): Promise<Ready> {
    const before = this.#prepared.get(subject.key);
    if (before) return before.ready;
    const from = performance.now();
    const { module, plain, weights, downloadedBytes, pythonBytes } = await this.make(
      subject,
      report,
    );
    const given = { key: subject.key, module, plain, weights };
    const facts = await this.#caller.call<ModuleFacts>("load", given, report);
    const ready = {
      memoryBytes: facts.memoryBytes,
      downloadedBytes: downloadedBytes + facts.downloadedBytes,
      pythonBytes,
      seconds: (performance.now() - from) / 1000,
      ...(typeof module === "string" || typeof plain === "string" ? {} : { module, plain }),
    };
    this.#prepared.set(subject.key, { facts, ready });
    return ready;
  }

  async run(subject: Subject, feeds: Tensors, timed: number): Promise<Answer> {
    const facts = this.#prepared.get(subject.key)?.facts;
    if (!facts) throw new Error(`${subject.name} is not ready`);
    const given = { key: subject.key, feeds, timed };
    const { outputs, shapes, milliseconds } = await this.#caller.call<RunAnswer>("run", given);
    const tensors: Record<string, Tensor> = {};
    for (const { name, dtype } of facts.outputs) {
      const data = outputs[name];
      if (data) tensors[name] = { dtype, shape: shapes[name] ?? [], data };
    }
    return { outputs: tensors, milliseconds };
  }

  stop(): void {
    this.#caller.end();
  }
}

/** Modules that were compiled when the page was built. */
export class Prebuilt extends ModuleEngine {
  override readonly name = "prebuilt";

  protected override async make({ name, module, weights }: Subject): Promise<Made> {
    if (!module) throw new Error(`${name} has no module that was compiled beforehand`);
    const plain = module.replace(/\.wasm$/, ".plain.wasm");
    return { module, plain, weights, downloadedBytes: 0, pythonBytes: 0 };
  }
}

/** Modules that likewise's compiler makes, in Pyodide, from the `.onnx` file. */
export class Compiled extends ModuleEngine {
  override readonly name = "compiled";
  readonly #python: Python;

  constructor(python: Python) {
    super();
    this.#python = python;
  }

  protected override make(subject: Subject, report: Report): Promise<Made> {
    return this.#python.compile(subject, report);
  }

  override stop(): void {
    super.stop();
    this.#python.stop();
  }
}
