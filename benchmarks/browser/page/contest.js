// Times several engines on one model in this page, in turn: A B C A B C …
import { apart, fetchFeeds } from "./arrays.js";
import * as engines from "./engines.js";

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** Call for `milliseconds`, at least once; how long each call took. */
async function block({ run, prepared }, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    await run(prepared);
    times.push(performance.now() - start);
  } while (performance.now() < end);
  return times;
}

/** Open a subject and run it once: how long that took, from the first byte asked for. */
async function open(subject, feeds) {
  const start = performance.now();
  const engine = await engines[subject.engine](subject);
  const opened = performance.now();
  const prepared = engine.prepare(feeds);
  const began = performance.now();
  const outputs = await engine.run(prepared);
  const first = performance.now() - began;
  return { name: subject.name, creation: opened - start, first, outputs, prepared, ...engine };
}

/**
 * For every subject `creation` and `first`, the first run, in milliseconds, `apart`, how far its
 * outputs are from those of the subject named `reference`, and `turns`, the times of the calls in
 * each turn. V8 first runs what its quick compiler made and replaces that while it runs: until
 * then, and while `warmUp` lasts, nothing counts. The pauses let the threads of the one before,
 * which wait actively for more work, fall asleep.
 */
export async function contest({ subjects, reference, inputs, turns, warmUp, turn }) {
  const feeds = await fetchFeeds(inputs);
  const opened = [];
  for (const subject of subjects) {
    opened.push(await open(subject, feeds));
    await sleep(100);
  }
  const expected = opened.find(({ name }) => name === reference).outputs;
  for (let part = 0; part < 4; part++) {
    for (const one of opened) await block(one, warmUp / 4);
    await sleep(200);
  }
  const times = opened.map(() => []);
  for (let count = 0; count < turns; count++) {
    for (const [at, one] of opened.entries()) {
      await sleep(30);
      times[at].push(await block(one, turn));
    }
  }
  const found = {};
  for (const [at, one] of opened.entries()) {
    const { name, creation, first } = one;
    const last = await one.run(one.prepared);
    const off = Math.max(apart(one.outputs, expected), apart(last, expected));
    found[name] = { creation, first, apart: Number.isFinite(off) ? off : null, turns: times[at] };
    one.close();
  }
  return { isolated: crossOriginIsolated, subjects: found };
}
