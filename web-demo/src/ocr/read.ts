/** Reads a picture on one engine: three networks, and the reader's worker around them. */
import type { Engine, Ready, Share, Subject, Tensor } from "../engines/engine";
import type { Use } from "../engines/kernels";
import type { Result } from "../parts/bench";
import { Caller, type Report } from "../workers/call";
import type { Line, ReaderMethods } from "../workers/reader.worker";
import type { Size } from "./detect";
import { DIRECTION_WIDTH, HEIGHT } from "./lines";

/** What the site says of its networks. */
export interface Networks {
  readonly sizes: readonly Size[];
  readonly widths: readonly number[];
  readonly classes: readonly string[];
}

/** Milliseconds for which each network runs at first, so that the browser compiles it well. */
const WARM_UP = 400;

const at = (name: string) => new URL(`models/${name}`, document.baseURI).href;

export async function networks(): Promise<Networks> {
  const response = await fetch(at("ppocr.json"));
  if (!response.ok)
    throw new Error(`The alphabet could not be downloaded: HTTP ${response.status}`);
  return await response.json();
}

function subject(network: string, height: number, width: number): Subject {
  const stem = `ppocr_${network}`;
  return {
    key: `${stem} ${height} ${width}`,
    name: `${stem}.onnx`,
    file: `${stem}-${height}x${width}`,
    onnx: at(`${stem}.onnx`),
    module: at(`${stem}-${height}x${width}.wasm`),
    weights: at(`${stem}.weights`),
    shapes: { x: [1, 3, height, width] },
  };
}

/** One reading: what it takes in all. */
class Reading {
  readonly outputs: Record<string, Tensor> = {};
  readonly #engine: Engine;
  readonly #report: Report;
  readonly #uses = new Map<string, Use>();
  readonly #shares = new Map<string, Share>();
  milliseconds = 0;

  constructor(engine: Engine, report: Report) {
    this.#engine = engine;
    this.#report = report;
  }

  async run(model: Subject, step: string, data: Tensor["data"]): Promise<Tensor> {
    const named: Report = (progress) =>
      this.#report({ ...progress, step: `${model.name}: ${progress.step}` });
    const ready = await this.#engine.prepare(model, named);
    this.#report({ step });
    const feeds = { x: { dtype: "float", shape: model.shapes["x"] ?? [], data } };
    const { runs = 0 } = this.#uses.get(model.key) ?? {};
    this.#uses.set(model.key, { subject: model, ready, feeds, runs: runs + 1 });
    const timed = runs ? 0 : WARM_UP;
    const { outputs, milliseconds, profile = [] } = await this.#engine.run(model, feeds, timed);
    this.milliseconds += milliseconds;
    for (const { operator, calls, milliseconds: spent } of profile) {
      const before = this.#shares.get(operator);
      this.#shares.set(operator, {
        operator,
        calls: calls + (before?.calls ?? 0),
        milliseconds: spent + (before?.milliseconds ?? 0),
      });
    }
    return Object.values(outputs)[0] as Tensor;
  }

  result(value: readonly Line[]): Result<readonly Line[]> {
    const uses = [...this.#uses.values()];
    const all = uses.map(({ ready }) => ready);
    const sum = (of: (ready: Ready) => number) =>
      all.reduce((total, ready) => total + of(ready), 0);
    const numpy = this.#engine.name === "numpy";
    const shares = [...this.#shares.values()].sort((a, b) => b.milliseconds - a.milliseconds);
    return {
      value,
      outputs: this.outputs,
      milliseconds: this.milliseconds,
      profile: shares,
      uses,
      ready: {
        seconds: sum((ready) => ready.seconds),
        downloadedBytes: sum((ready) => ready.downloadedBytes),
        pythonBytes: Math.max(...all.map((ready) => ready.pythonBytes)),
        // Modules have a memory each, models in NumPy share Python's.
        memoryBytes: numpy
          ? Math.max(...all.map((ready) => ready.memoryBytes))
          : sum((ready) => ready.memoryBytes),
      },
    };
  }
}

export class Reader {
  readonly #caller = new Caller(
    () => new Worker(new URL("../workers/reader.worker.ts", import.meta.url), { type: "module" }),
  );

  async read(
    picture: ImageData,
    { sizes, widths, classes }: Networks,
    engine: Engine,
    report: Report,
  ): Promise<Result<readonly Line[]>> {
    const reading = new Reading(engine, report);
    const { width, height, data } = picture;
    const seen = await this.#call("open", { width, height, data, sizes: [...sizes] });
    const map = await reading.run(
      subject("det", seen.size.height, seen.size.width),
      "Looking for text",
      seen.data,
    );
    reading.outputs["detection"] = map;
    const cut = await this.#call("cut", { chances: map.data as Float32Array });
    const direction = subject("cls", HEIGHT, DIRECTION_WIDTH);
    const chances: number[][] = [];
    for (const [line, pieces] of cut.entries()) {
      const found: number[] = [];
      for (const piece of pieces) {
        const step = `Which way up is line ${line + 1} of ${cut.length}?`;
        const { data: made, dtype, shape } = await reading.run(direction, step, piece);
        found.push(Number(made[1]));
        reading.outputs[`direction ${line + 1}.${found.length}`] = { data: made, dtype, shape };
      }
      chances.push(found);
    }
    const strips = await this.#call("turn", { chances, widths: [...widths] });
    for (const [line, strip] of strips.entries()) {
      const step = `Reading line ${line + 1} of ${strips.length}`;
      const made = await reading.run(subject("rec", HEIGHT, strip.width), step, strip.data);
      const given = { at: line, chances: made.data as Float32Array, classes: [...classes] };
      const best = await this.#call("decode", given);
      const name = `recognition ${line + 1}`;
      reading.outputs[name] = { data: best, dtype: "float", shape: [best.length] };
    }
    return reading.result(await this.#call("lines", undefined));
  }

  stop(): void {
    this.#caller.end();
  }

  #call<Name extends keyof ReaderMethods>(
    method: Name,
    given: Parameters<ReaderMethods[Name]>[0],
  ): Promise<ReturnType<ReaderMethods[Name]>> {
    return this.#caller.call(method, given);
  }
}
