/** What every engine of the page does, whatever it runs a model with. */
import type { TypedArray } from "likewise-runtime";
import type { Report } from "../workers/call";

export type EngineName = "prebuilt" | "compiled" | "numpy";

export interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** A model with the sizes of its inputs settled. `key` stands for all of it. */
export interface Subject {
  readonly key: string;
  readonly name: string;
  /** What its module is called when it is saved, without the suffix; else the model's name. */
  readonly file?: string | undefined;
  /** The `.onnx` file: an address under the page's own, or its bytes. */
  readonly onnx: string | Uint8Array<ArrayBuffer>;
  /** The address of the module that was compiled beforehand; its twin stands beside it. */
  readonly module?: string | undefined;
  /** Where the weights of that module are, if not inside. */
  readonly weights?: string | undefined;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

export interface Ready {
  readonly memoryBytes: number;
  /** What came over the network for this model. */
  readonly downloadedBytes: number;
  /** What came for Python, which all models share; 0 without it. */
  readonly pythonBytes: number;
  /** Seconds from nothing to being able to run. */
  readonly seconds: number;
  /** The compiled module and its twin, where the engine made them itself. */
  readonly module?: Uint8Array<ArrayBuffer> | undefined;
  readonly plain?: Uint8Array<ArrayBuffer> | undefined;
}

/** Time that the nodes of one operator took together. */
export interface Share {
  readonly operator: string;
  readonly calls: number;
  readonly milliseconds: number;
}

export interface Answer {
  readonly outputs: Tensors;
  readonly milliseconds: number;
  readonly profile?: readonly Share[] | undefined;
}

export interface Engine {
  readonly name: EngineName;
  /** Have the model ready; quick when it is. */
  prepare(subject: Subject, report: Report): Promise<Ready>;
  /**
   * Run the model, and again until it did so for `timed` milliseconds: compiled code runs faster
   * once the browser has compiled it well. Raises where it was not prepared.
   */
  run(subject: Subject, feeds: Tensors, timed: number): Promise<Answer>;
  /** Stop what is going on; what was prepared may be lost. */
  stop(): void;
}
