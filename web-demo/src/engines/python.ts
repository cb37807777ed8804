/** likewise itself, in Pyodide in a worker: it inspects, compiles and, with NumPy, runs. */
import { Caller, type Report } from "../workers/call";
import type { PythonMethods } from "../workers/python.worker";
import type { Answer, Engine, Ready, Share, Subject, Tensor, Tensors } from "./engine";

const start = () =>
  new Worker(new URL("../workers/python.worker.ts", import.meta.url), { type: "module" });

export interface PortFacts {
  readonly name: string;
  readonly dtype: string;
  /** A size, or the name of one that the model leaves open. */
  readonly dims: readonly (number | string)[];
}

export interface ModelFacts {
  readonly bytes: number;
  readonly producer: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly operators: readonly { readonly name: string; readonly count: number }[];
  readonly inputs: readonly PortFacts[];
  readonly outputs: readonly PortFacts[];
  readonly parameters: number;
  /** Multiplications and additions a run; none where sizes are left open. */
  readonly flops?: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes that came over the network. */
interface Came {
  readonly downloadedBytes: number;
  readonly pythonBytes: number;
}

export interface CompiledModule extends Came {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly plain: Uint8Array<ArrayBuffer> | undefined;
}

/** A build of a model in which every step of a run is a function, in order. */
export interface SteppedModule {
  readonly module: Uint8Array<ArrayBuffer>;
  readonly steps: readonly { readonly name: string; readonly kernel: string }[];
  /** Where in its memory each input goes. */
  readonly places: Readonly<Record<string, number>>;
}

export class Python {
  readonly #caller = new Caller(start);

  /** Load Pyodide, NumPy and likewise, if that is not done; the bytes that came for it. */
  async boot(report: Report): Promise<number> {
    const { href } = new URL("pyodide/", document.baseURI);
    try {
      return await this.#caller.call<number>("boot", href, report);
    } catch (error) {
      this.#caller.end(); // what is half loaded would fail for ever
      throw error;
    }
  }

  /** What a model is; also has it loaded. */
  async inspect(subject: Pick<Subject, "key" | "name" | "onnx">, report: Report) {
    await this.boot(report);
    return await this.#call<ModelFacts>("inspect", subject, report);
  }

  /** Inputs of these shapes, reproducible from `seed`. */
  async draw(subject: Subject, seed: number, report: Report): Promise<Tensors> {
    await this.load(subject, report);
    return await this.#call<Tensors>("draw", { key: subject.key, shapes: subject.shapes, seed });
  }

  async compile(subject: Subject, report: Report): Promise<CompiledModule> {
    const came = await this.load(subject, report);
    const { key, shapes } = subject;
    report({ step: "Compiling" });
    type Made = Omit<CompiledModule, keyof Came>;
    const made = await this.#call<Made>("compile", { key, shapes }, report);
    return { ...made, ...came };
  }

  async steps(subject: Subject, relaxed: boolean, report: Report): Promise<SteppedModule> {
    await this.load(subject, report);
    const { key, shapes } = subject;
    return await this.#call<SteppedModule>("steps", { key, shapes, relaxed }, report);
  }

  /** Have a model loaded, and Python before that. */
  async load({ key, name, onnx }: Subject, report: Report): Promise<Came> {
    const pythonBytes = await this.boot(report);
    const downloadedBytes = await this.#call<number>("load", { key, name, onnx }, report);
    return { downloadedBytes, pythonBytes };
  }

  /** Bytes of Python's memory, with all that is in it. */
  memory(): Promise<number> {
    return this.#call<number>("memory", undefined);
  }

  run(subject: Subject, feeds: Tensors, profile: boolean) {
    type Made = { outputs: Record<string, Tensor>; milliseconds: number; profile?: Share[] };
    return this.#call<Made>("run", { key: subject.key, feeds, profile });
  }

  stop(): void {
    this.#caller.end();
  }

  #call<T>(method: keyof PythonMethods, given: unknown, report?: Report): Promise<T> {
    return this.#caller.call<T>(method, given, report);
  }
}

/** The reference: every operator in NumPy. */
export class Numpy implements Engine {
  readonly name = "numpy";
  readonly #python: Python;

  constructor(python: Python) {
    this.#python = python;
  }

  async prepare(subject: Subject, report: Report): Promise<Ready> {
    const from = performance.now();
    const came = await this.#python.load(subject, report);
    const memoryBytes = await this.#python.memory();
    return { memoryBytes, ...came, seconds: (performance.now() - from) / 1000 };
  }

  async run(subject: Subject, feeds: Tensors): Promise<Answer> {
    return await this.#python.run(subject, feeds, true);
  }

  stop(): void {
    this.#python.stop();
  }
}
