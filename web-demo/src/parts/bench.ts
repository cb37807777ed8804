/** One task on each engine: what is going on, what came of it, and stopping it. */
import { useEffect, useMemo, useReducer } from "preact/hooks";
import { ENGINES, kernels, simdMissing } from "../engines/all";
import type { Engine, EngineName, Ready, Share, Tensors } from "../engines/engine";
import type { Use } from "../engines/kernels";
import { Cancelled, type Progress, type Report } from "../workers/call";
import { wordsOf } from "../workers/download";

export interface Result<T> {
  readonly value: T;
  readonly ready: Ready;
  readonly milliseconds: number;
  /** What the engines' answers are compared by. */
  readonly outputs: Tensors;
  readonly profile?: readonly Share[] | undefined;
  /** The models that gave the answer. */
  readonly uses: readonly Use[];
}

export type Task<T> = (engine: Engine, report: Report) => Promise<Result<T>>;

export interface Row<T> {
  readonly engine: Engine;
  /** Why this engine cannot run here at all. */
  readonly barred?: string | undefined;
  readonly working?: Progress | undefined;
  readonly result?: Result<T> | undefined;
  readonly error?: string | undefined;
}

/** The time by kernel of the compiled modules, which is found when it is asked for. */
export interface KernelTimes {
  readonly working?: Progress | undefined;
  readonly shares?: readonly Share[] | undefined;
  readonly error?: string | undefined;
}

export class Bench<T> {
  rows: readonly Row<T>[];
  kernels: KernelTimes = {};
  readonly #changed: () => void;
  #queue: EngineName[] = [];
  #task: Task<T> | undefined;
  #running: Pick<Engine, "stop"> | undefined;
  /** Counts what was stopped: what began before it reports no more. */
  #round = 0;

  constructor(changed: () => void, bars: Partial<Record<EngineName, string>> = {}) {
    this.#changed = changed;
    const simd = simdMissing();
    this.rows = ENGINES.map((engine) => ({
      engine,
      barred: bars[engine.name] ?? (engine.name === "numpy" ? undefined : simd),
    }));
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Run `task` on these engines, one after the other, so that each is timed alone. */
  async start(task: Task<T>, names: readonly EngineName[]): Promise<void> {
    this.#task = task;
    this.#queue = names.filter((name) => !this.row(name).barred);
    for (const name of this.#queue) this.#set(name, { working: { step: "Waiting" } });
    if (!this.#running) await this.#drain();
  }

  /** Time the kernels of compiled modules, once nothing else runs. */
  async timeKernels(uses: readonly Use[]): Promise<void> {
    if (this.#running) return;
    const round = this.#round;
    const tell = (times: KernelTimes) => {
      if (round !== this.#round) return;
      this.kernels = times;
      this.#changed();
    };
    this.#running = kernels;
    tell({ working: { step: "Starting" } });
    try {
      tell({ shares: await kernels.time(uses, (working) => tell({ working })) });
    } catch (error) {
      if (!(error instanceof Cancelled)) tell({ error: wordsOf(error) });
    }
    if (round === this.#round) await this.#drain();
  }

  async #drain(): Promise<void> {
    const round = this.#round;
    for (let name = this.#queue.shift(); name; name = this.#queue.shift()) {
      const { engine } = this.row(name);
      this.#running = engine;
      await this.#one(engine, round);
      if (round !== this.#round) return;
    }
    this.#running = undefined;
    this.#changed();
  }

  /** End what runs and what waits. What each engine answered before stays. */
  stop(): void {
    const running = this.#running;
    this.#round++;
    this.#queue = [];
    this.#running = undefined;
    running?.stop();
    if (this.kernels.working) this.kernels = { error: "Stopped." };
    for (const { engine, working } of this.rows) {
      if (working) this.#set(engine.name, { working: undefined, error: "Stopped." });
    }
    this.#changed();
  }

  /** Forget the answers: they belong to another input. */
  clear(): void {
    this.stop();
    this.kernels = {};
    for (const { engine } of this.rows)
      this.#set(engine.name, { result: undefined, error: undefined });
  }

  row(name: EngineName): Row<T> {
    return this.rows.find(({ engine }) => engine.name === name) as Row<T>;
  }

  async #one(engine: Engine, round: number): Promise<void> {
    const tell = (change: Partial<Row<T>>) => {
      if (round === this.#round) this.#set(engine.name, change);
    };
    tell({ working: { step: "Starting" }, error: undefined });
    try {
      const guarded = this.#guarded(engine, round);
      const result = await this.#task?.(guarded, (working) => tell({ working }));
      // What waits again already, with a newer input, goes on waiting.
      tell({
        result,
        working: this.#queue.includes(engine.name) ? { step: "Waiting" } : undefined,
      });
    } catch (error) {
      if (error instanceof Cancelled) return;
      tell({ error: wordsOf(error), result: undefined, working: undefined });
    }
  }

  /** The engine for one round: a task that was stopped between two calls gets no further. */
  #guarded(engine: Engine, round: number): Engine {
    const check = () => {
      if (round !== this.#round) throw new Cancelled();
    };
    return {
      name: engine.name,
      prepare: (...given) => {
        check();
        return engine.prepare(...given);
      },
      run: (...given) => {
        check();
        return engine.run(...given);
      },
      stop: () => engine.stop(),
    };
  }

  #set(name: EngineName, change: Partial<Row<T>>): void {
    this.rows = this.rows.map((row) => (row.engine.name === name ? { ...row, ...change } : row));
    this.#changed();
  }
}

/** A bench that lives as long as the component, which is drawn anew when it changes. */
export function useBench<T>(bars?: Partial<Record<EngineName, string>>): Bench<T> {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const bench = useMemo(() => new Bench<T>(() => redraw(undefined as never), bars), []);
  useEffect(() => () => bench.stop(), [bench]);
  return bench;
}

/** A task that prepares one model and runs it on `feeds`: again for so many milliseconds. */
export function single<T>(
  subject: Parameters<Engine["prepare"]>[0],
  feeds: Tensors,
  read: (outputs: Tensors) => T,
  timed = 500,
): Task<T> {
  return async (engine, report) => {
    const ready = await engine.prepare(subject, report);
    report({ step: "Running" });
    const answer = await engine.run(subject, feeds, timed);
    const uses = [{ subject, ready, feeds, runs: 1 }];
    return { ...answer, value: read(answer.outputs), ready, uses };
  };
}
