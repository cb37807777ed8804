// Times every step of a model on its own, in the order in which `run` takes them.
import { fetchFeeds } from "./arrays.js";

/**
 * `steps` are the exports to call; `places` says where inputs stand in the memory. The fastest of
 * `turns` times of each step, in milliseconds.
 */
export async function profile({ module, steps, inputs, places, warmUp, turns }) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(module));
  const { memory, ...functions } = instance.exports;
  const feeds = await fetchFeeds(inputs);
  const round = (visit) => {
    for (const { name, data } of feeds) {
      const bytes = new Uint8Array(data.buffer);
      if (name in places) new Uint8Array(memory.buffer, places[name], bytes.length).set(bytes);
    }
    for (const [at, name] of steps.entries()) {
      const start = performance.now();
      functions[name]();
      visit(at, performance.now() - start);
    }
  };
  // V8 replaces what its quick compiler made while it runs: nothing counts until then.
  for (let part = 0; part < 4; part++) {
    const end = performance.now() + warmUp / 4;
    do round(() => {});
    while (performance.now() < end);
    await new Promise((done) => setTimeout(done, 500));
  }
  const best = steps.map(() => Number.POSITIVE_INFINITY);
  for (let turn = 0; turn < turns; turn++) {
    round((at, time) => {
      best[at] = Math.min(best[at], time);
    });
  }
  return best;
}
