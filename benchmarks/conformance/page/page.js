// Runs cases in a worker, which is replaced when it gives no answer in time or its engine aborts.

let worker;

function ask(task, seconds) {
  worker ??= new Worker("worker.js", { type: "module" });
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: "hang" }), 1000 * seconds);
    const answer = (found) => {
      clearTimeout(timer);
      resolve(found);
    };
    worker.onmessage = ({ data }) => answer(data);
    worker.onerror = ({ message }) => answer({ kind: "crash", reason: message });
    worker.postMessage(task);
  });
}

/** What the engine gives for each task, `{ model, feeds }` in base64. */
globalThis.runTasks = async (tasks, seconds) => {
  const found = [];
  for (const task of tasks) {
    found.push(await ask(task, seconds));
    if (["hang", "crash"].includes(found.at(-1).kind)) {
      worker.terminate();
      worker = undefined;
    }
  }
  return found;
};
