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

let opened = [];
let expected;

/**
 * Open every subject, one after the other, and warm all up. V8 first runs what its quick compiler
 * made and replaces that while it runs: until then, and while `warmUp` lasts, nothing counts. The
 * pauses let it, and let the threads of the one before, which wait actively, fall asleep.
 */
export async function begin({ subjects, reference, inputs, warmUp }) {
  const feeds = await fetchFeeds(inputs);
  for (const subject of subjects) {
    opened.push(await open(subject, feeds));
    await sleep(100);
  }
  expected = opened.find(({ name }) => name === reference).outputs;
  for (let part = 0; part < 4; part++) {
    for (const one of opened) await block(one, warmUp / 4);
    await sleep(200);
  }
  return crossOriginIsolated;
}

/** The turn of one subject: how long each of its calls took. */
export async function turn({ name, milliseconds }) {
  await sleep(30);
  return block(
    opened.find((one) => one.name === name),
    milliseconds,
  );
}

/**
 * For every subject `creation` and `first`, the first run, in milliseconds, and `apart`, how far
 * its outputs, the first and the last, are from the reference's; null where they make no sense.
 */
export async function end() {
  const found = {};
  for (const { name, creation, first, outputs, prepared, run, close } of opened) {
    const off = Math.max(apart(outputs, expected), apart(await run(prepared), expected));
    found[name] = { creation, first, apart: Number.isFinite(off) ? off : null };
    close();
  }
  opened = [];
  return found;
}
