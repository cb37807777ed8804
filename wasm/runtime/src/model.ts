import { type TypedArray, viewOf } from "./dtypes.js";
import { InputError, LikewiseError, ModelError, wordsOf } from "./errors.js";
import { checkFeeds, type Feeds, listed } from "./feeds.js";
import type { Mismatch } from "./golden.js";
import {
  brokenSection,
  countOf,
  type Numerics,
  type Port,
  type Section,
  type StoredPort,
} from "./section.js";
import type { Crew } from "./threads.js";

/** An input or output and its memory. */
interface Place {
  readonly port: Port;
  readonly view: TypedArray;
  /** Where the real size of `dynamicAxis` stands after a run. */
  readonly size: Int32Array | undefined;
}

interface Instance {
  readonly run: () => void;
  readonly close: () => void;
  readonly inputs: readonly Place[];
  readonly outputs: readonly Place[];
  readonly weights: Uint8Array | undefined;
}

/** Outputs by name. */
export interface Outputs {
  [name: string]: TypedArray;
}

/**
 * One instance of a compiled model with a memory of its own; `load` makes it. Instances do not
 * know of each other, and a run leaves nothing behind that the next one would see.
 */
export class Model {
  // `declare`: the constructor assigns them all, and the fields need no code of their own.
  declare readonly inputs: readonly Port[];
  declare readonly outputs: readonly Port[];
  declare readonly numerics: Numerics;
  /** SHA-256 of the `.onnx` file, in hexadecimal digits; empty where it is unknown. */
  declare readonly sourceSha256: string;
  /**
   * The compiled code: `load(model.module, { weights: model.weights })` makes another instance, here
   * or in a worker.
   */
  declare readonly module: WebAssembly.Module;
  /** Size of the module's memory. */
  declare readonly memoryBytes: number;
  /** How many threads share the work of a run, this one included. */
  declare readonly threads: number;
  readonly #where: readonly string[];
  #instance: Instance | undefined;

  /** @internal */
  constructor(
    module: WebAssembly.Module,
    section: Section,
    { instance: { exports }, threads, close }: Crew,
    where: readonly string[],
  ) {
    const { weights } = section;
    const { memory, run } = exports as { memory: WebAssembly.Memory; run: () => void };
    this.module = module;
    this.threads = threads;
    this.numerics = section.numerics;
    this.sourceSha256 = section.source_sha256;
    this.#where = where;
    try {
      const { buffer } = memory;
      const place = (stored: StoredPort) => placed(stored, buffer);
      const instance = {
        run,
        close,
        inputs: section.inputs.map(place),
        outputs: section.outputs.map(place),
        weights: weights && new Uint8Array(buffer, weights.offset, weights.bytes),
      };
      this.#instance = instance;
      this.inputs = instance.inputs.map(({ port }) => port);
      this.outputs = instance.outputs.map(({ port }) => port);
      this.memoryBytes = buffer.byteLength;
    } catch (error) {
      throw brokenSection(error, where);
    }
  }

  /**
   * Run on `feeds`, an array for every input, and give a new array for every output. An output
   * with a `dynamicAxis` is as long as the run found it to be: `outputShape` says its shape.
   * Raises InputError for wrong feeds, before anything runs.
   */
  run(feeds: Feeds): Outputs {
    const { inputs, outputs } = this.#open();
    for (const [at, array] of checkFeeds(feeds, this.inputs).entries()) {
      inputs[at]?.view.set(array as never);
    }
    this.runInPlace();
    return Object.fromEntries(
      outputs.map(({ port, view }) => [port.name, taken(port, view, this.outputShape(port.name))]),
    );
  }

  /**
   * The weights where `module` does not hold them, in the model's memory; undefined where it does.
   */
  get weights(): Uint8Array | undefined {
    return this.#open().weights;
  }

  /**
   * Zero-copy: the memory of an input, to be filled before every `runInPlace`: a run uses it for
   * other things once the input is read. Not to be transferred to a worker.
   */
  inputView(name: string): TypedArray {
    return this.#find("inputs", name).view;
  }

  /**
   * Zero-copy: the memory of an output, valid after `runInPlace` and until the next run. With a
   * `dynamicAxis` it is the whole capacity, of which `outputShape` says how much is filled.
   */
  outputView(name: string): TypedArray {
    return this.#find("outputs", name).view;
  }

  /**
   * Run on what the inputs' memory holds; allocates nothing. Where a module with threads traps, the
   * model is disposed of.
   */
  runInPlace(): void {
    const { run } = this.#open();
    try {
      run();
    } catch (error) {
      // Other threads may be at work still on what was left behind.
      if (this.threads > 1) this.dispose();
      const given = wordsOf(error);
      throw new LikewiseError("the module trapped", { where: this.#where, given, cause: error });
    }
  }

  /**
   * Run the golden vectors that the module carries. Gives the first mismatch of each output that has
   * one, so an empty list is a pass; undefined where it carries none, which proves nothing. The
   * memory of inputs and outputs is overwritten.
   */
  async selfTest(): Promise<readonly Mismatch[] | undefined> {
    return (await import("./golden.js")).selfTest(this);
  }

  /** The shape of an output as the last run left it: `shape` with the real size of `dynamicAxis`. */
  outputShape(name: string): readonly number[] {
    const { port, size } = this.#find("outputs", name);
    const { shape, dynamicAxis } = port;
    if (!size) return shape;
    const real = size[0] as number;
    const capacity = shape[dynamicAxis as number] as number;
    if (real < 0 || real > capacity) {
      throw new ModelError(`axis ${dynamicAxis} has an impossible size`, {
        where: [...this.#where, `output \`${name}\``],
        given: real,
        allowed: `0 to ${capacity}`,
      });
    }
    return shape.map((one, axis) => (axis === dynamicAxis ? real : one));
  }

  /** Let go of the memory and end the workers, if there are any; using the model afterwards raises InputError. Views keep it alive. */
  dispose(): void {
    this.#instance?.close();
    this.#instance = undefined;
  }

  #open(): Instance {
    if (this.#instance) return this.#instance;
    throw new InputError("the model was disposed of", {
      where: this.#where,
      hint: "load it again",
    });
  }

  #find(kind: "inputs" | "outputs", name: string): Place {
    const place = this.#open()[kind].find(({ port }) => port.name === name);
    if (place) return place;
    throw new InputError(`no such name among the ${kind}`, {
      where: this.#where,
      given: `\`${name}\``,
      allowed: listed(this[kind].map((port) => port.name)),
    });
  }
}

/** Raises RangeError where the port does not lie within `buffer`, which never grows. */
function placed({ name, dtype, shape, offset, length }: StoredPort, buffer: ArrayBuffer): Place {
  const port = { name, dtype, shape: Object.freeze(shape) };
  return {
    port: Object.freeze(length ? { ...port, dynamicAxis: length.axis } : port),
    view: viewOf(dtype, buffer, offset, countOf(shape)),
    size: length && new Int32Array(buffer, length.offset, 1),
  };
}

/** A copy of what fills `view`, an array of `port` in its full capacity, up to the shape `real`. */
function taken({ shape, dynamicAxis = 0 }: Port, view: TypedArray, real: readonly number[]) {
  const made = view.slice(0, countOf(real));
  const row = countOf(real.slice(dynamicAxis));
  const stride = countOf(shape.slice(dynamicAxis));
  for (let from = stride, to = row; to < made.length; from += stride, to += row) {
    made.set(view.subarray(from, from + row) as never, to);
  }
  return made;
}
