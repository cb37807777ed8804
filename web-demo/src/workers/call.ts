/** Calls into a worker: numbered, with progress, and ended at once by ending the worker. */

export interface Progress {
  /** What is being done, in words. */
  readonly step: string;
  readonly done?: number | undefined;
  readonly total?: number | undefined;
}

export type Report = (progress: Progress) => void;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly given: unknown;
}

type Reply =
  | { readonly id: number; readonly progress: Progress }
  | { readonly id: number; readonly made: unknown }
  | { readonly id: number; readonly error: string };

interface Waiting {
  readonly report: Report | undefined;
  readonly resolve: (made: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Someone stopped it: not a failure. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";

  constructor() {
    super("stopped");
  }
}

/** A worker that is started when it is first called, and again after it was ended. */
export class Caller {
  readonly #start: () => Worker;
  readonly #ended: () => void;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #calls = 0;

  /** `ended` is called whenever a worker is gone, with all that it held. */
  constructor(start: () => Worker, ended: () => void = () => {}) {
    this.#start = start;
    this.#ended = ended;
  }

  call<T>(method: string, given: unknown, report?: Report): Promise<T> {
    this.#worker ??= this.#started();
    const worker = this.#worker;
    const id = ++this.#calls;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { report, resolve: resolve as (made: unknown) => void, reject });
      worker.postMessage({ id, method, given } satisfies Request);
    });
  }

  /** End the worker; what waits for it is rejected with `why`. */
  end(why: Error = new Cancelled()): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ended();
    for (const one of this.#waiting.values()) one.reject(why);
    this.#waiting.clear();
  }

  #started(): Worker {
    const worker = this.#start();
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#take(data);
    worker.onerror = (event) => {
      event.preventDefault();
      const words = event.message || "its program could not be downloaded; try again";
      if (worker === this.#worker) this.end(new Error(`The worker failed: ${words}`));
    };
    return worker;
  }

  #take(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    if ("progress" in reply) {
      waiting.report?.(reply.progress);
      return;
    }
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting.reject(new Error(reply.error));
    else waiting.resolve(reply.made);
  }
}

type Method = (given: never, report: Report) => unknown;

/** In a worker: answer calls by these methods, one after the other. */
export function answer(methods: Readonly<Record<string, Method>>): void {
  let turn = Promise.resolve();
  self.onmessage = ({ data }: MessageEvent<Request>) => {
    turn = turn.then(() => one(data));
  };

  async function one({ id, method, given }: Request): Promise<void> {
    try {
      const found = methods[method];
      if (!found) throw new Error(`no method ${method}`);
      const made = await found(given as never, (progress) => postMessage({ id, progress }));
      postMessage({ id, made });
    } catch (error) {
      postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  }
}
