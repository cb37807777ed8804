// Times several engines on one model in this page, in turn: A B C A B C …
import { apart, fetchFeeds } from "./arrays.js";
import * as engines from "./engines.js";

const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/**
 * Call for `milliseconds`, at least once: `times`, how long a call took, and how many `calls` there
 * were. The clock of a page counts in steps of 5 µs: calls shorter than 1 ms are timed together.
 */
async function block({ run, prepared }, milliseconds) {
  const times = [];
  let together = 1;
  let calls = 0;
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    for (let count = 0; count < together; count++) await run(prepared);
    const each = (performance.now() - start) / together;
    times.push(each);
    calls += together;
    together = Math.min(1000, Math.max(1, Math.ceil(1 / Math.max(each, 0.001))));
  } while (performance.now() < end);
  return { times, calls };
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
let refused = {};
let expected;

/**
 * Open every subject, one after the other, and warm all up; an `optional` one may refuse, and is
 * out then with all of its engine. V8 first runs what its quick compiler made and replaces that
 * while it runs: until then, and while `warmUp` lasts, nothing counts. The pauses let it, and let
 * the threads of the one before, which wait actively, fall asleep.
 */
export async function begin({ subjects, reference, inputs, warmUp }) {
  const feeds = await fetchFeeds(inputs);
  const attempt = async (subject, action) => {
    try {
      await action();
    } catch (error) {
      if (!subject.optional) throw error;
      refused[subject.name] = String(error.message ?? error);
      const out = subjects.filter(({ engine }) => engine === subject.engine);
      opened = opened.filter(({ name }) => !out.some((one) => one.name === name));
      subjects = subjects.filter((one) => !out.includes(one));
    }
  };
  for (const subject of [...subjects]) {
    if (!subjects.includes(subject)) continue;
    await attempt(subject, async () => opened.push(await open(subject, feeds)));
    await sleep(100);
  }
  expected = opened.find(({ name }) => name === reference).outputs;
  for (let part = 0; part < 4; part++) {
    for (const subject of [...subjects]) {
      const one = opened.find(({ name }) => name === subject.name);
      if (one) await attempt(subject, () => block(one, warmUp / 4));
    }
    await sleep(200);
  }
  if (!crossOriginIsolated) throw new Error("the page is not isolated: no threads, a coarse clock");
  return { opened: opened.map(({ name }) => name), refused };
}

/** The turn of one subject, as `block` tells it. */
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
  for (const { name, creation, first, outputs, prepared, run, named, close } of opened) {
    const distance = (made) => apart(named ? named(made) : made, expected);
    const off = Math.max(distance(outputs), distance(await run(prepared)));
    found[name] = { creation, first, apart: Number.isFinite(off) ? off : null };
    close();
  }
  opened = [];
  refused = {};
  return found;
}
