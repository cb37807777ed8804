// Times every step of a model on its own, in the order in which `run` takes them.
import { fetchFeeds } from "./arrays.js";

/**
 * `steps` are the exports to call; `places` says where inputs stand in the memory. The fastest of
 * `turns` times of each step, in milliseconds.
 */
export async function profile({ module, steps, inputs, places, turns }) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(module));
  const { memory, ...functions } = instance.exports;
  for (const { name, data } of await fetchFeeds(inputs)) {
    const bytes = new Uint8Array(data.buffer);
    new Uint8Array(memory.buffer, places[name], bytes.length).set(bytes);
  }
  const best = steps.map(() => Number.POSITIVE_INFINITY);
  for (let turn = -turns; turn < turns; turn++) {
    // V8 replaces what its quick compiler made while it runs: nothing counts until then.
    if (turn === 0) await new Promise((done) => setTimeout(done, 1500));
    for (const [at, name] of steps.entries()) {
      const start = performance.now();
      functions[name]();
      const time = performance.now() - start;
      if (turn >= 0 && time < best[at]) best[at] = time;
    }
  }
  return best;
}
