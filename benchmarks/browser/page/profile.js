// Times every kernel call of a model on its own, in the order in which `run` makes them.
import { fetchFeeds } from "./arrays.js";

/**
 * `calls` are `[export, ...arguments]`; `places` says where inputs stand in the memory. The
 * fastest of `turns` times of each call, in milliseconds.
 */
export async function profile({ module, calls, inputs, places, turns }) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(module));
  const { memory, ...functions } = instance.exports;
  for (const { name, data } of await fetchFeeds(inputs)) {
    const bytes = new Uint8Array(data.buffer);
    new Uint8Array(memory.buffer, places[name], bytes.length).set(bytes);
  }
  const best = new Float64Array(calls.length).fill(Number.POSITIVE_INFINITY);
  const warm = Math.max(10, turns);
  for (let turn = -warm; turn < turns; turn++) {
    if (turn === -1) await new Promise((done) => setTimeout(done, 1500));
    for (const [at, [name, ...given]] of calls.entries()) {
      const start = performance.now();
      functions[name](...given);
      const time = performance.now() - start;
      if (turn >= 0 && time < best[at]) best[at] = time;
    }
  }
  return [...best];
}
