import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Helper } from "../threads.js";

export const cores = availableParallelism;

/** What makes a thread of Node a worker as browsers have them. */
const PRELUDE = `const { parentPort } = require("node:worker_threads");
globalThis.postMessage = (message) => parentPort.postMessage(message);
globalThis.close = () => parentPort.close();
parentPort.once("message", (data) => onmessage({ data }));
`;

/** A worker that runs `script`; once it has answered it does not keep the process alive. */
export function worker(script: string): Helper {
  // Flags of the process may say that such a text is a module.
  const thread = new Worker(PRELUDE + script, { eval: true, execArgv: [] });
  const helper: Helper = {
    postMessage: (message) => thread.postMessage(message),
    onmessage: null,
    onerror: null,
    terminate: () => thread.terminate(),
  };
  thread.on("message", (data) => helper.onmessage?.({ data }));
  thread.on("error", (error) => helper.onerror?.(error));
  thread.once("message", () => thread.unref());
  return helper;
}
