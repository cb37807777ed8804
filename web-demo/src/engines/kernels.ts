/** Where a compiled module's time goes: a second build of it, whose kernels are called one by one. */
import { hasRelaxedSimd } from "likewise-runtime";
import { Caller, type Report } from "../workers/call";
import type { TimingRequest } from "../workers/module.worker";
import type { Ready, Share, Subject, Tensors } from "./engine";
import { startModules } from "./modules";
import type { Python, SteppedModule } from "./python";

/** A model as it was used for one answer. */
export interface Use {
  readonly subject: Subject;
  readonly ready: Ready;
  /** What it was last run on. */
  readonly feeds: Tensors;
  readonly runs: number;
}

export class Kernels {
  readonly #python: Python;
  readonly #caller = new Caller(startModules);

  constructor(python: Python) {
    this.#python = python;
  }

  /** The time by kernel, of all runs of these models together, the slowest first. */
  async time(uses: readonly Use[], report: Report): Promise<readonly Share[]> {
    try {
      return await this.#shares(uses, report);
    } finally {
      this.#caller.end(); // the modules are of no further use
    }
  }

  stop(): void {
    this.#caller.end();
    this.#python.stop();
  }

  async #shares(uses: readonly Use[], report: Report): Promise<readonly Share[]> {
    const shares = new Map<string, Share>();
    for (const { subject, feeds, runs } of uses) {
      const named: Report = (progress) =>
        report({ ...progress, step: `${subject.name}: ${progress.step}` });
      const built: SteppedModule = await this.#python.steps(subject, hasRelaxedSimd(), named);
      named({ step: "Timing every kernel" });
      const given: TimingRequest = { ...built, feeds };
      const times = await this.#caller.call<readonly number[]>("time", given);
      for (const [at, { kernel }] of built.steps.entries()) {
        const { calls = 0, milliseconds = 0 } = shares.get(kernel) ?? {};
        const more = runs * (times[at] ?? 0);
        shares.set(kernel, {
          operator: kernel,
          calls: calls + runs,
          milliseconds: milliseconds + more,
        });
      }
    }
    return [...shares.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
}
