import { deepEqual, equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { describe, test } from "node:test";
import { hasRelaxedSimd, load } from "likewise-runtime";
import { assertBits, assertFault, bytesOf, caseOf, feedsOf, pathOf } from "./helpers.js";

function open(name: string, threads?: number) {
  const fallback = caseOf(name).plain && pathOf(`${name}.plain`);
  return load(pathOf(name), { fallback, threads });
}

describe("threads share the work, and the bits are those of wasmtime", () => {
  for (const name of ["shared", "shared_strict"]) {
    const one = caseOf(name);
    const expected = (hasRelaxedSimd() ? undefined : one.plain) ?? one.outputs;
    for (const threads of [1, 2, 3]) {
      test(`${name}, ${threads}`, async () => {
        const model = await open(name, threads);
        equal(model.threads, threads);
        for (let turn = 0; turn < 50; turn++) assertBits(model.run(feedsOf(model, one)), expected);
        await new Promise((resolve) => setTimeout(resolve, 50)); // the others fall asleep
        assertBits(model.run(feedsOf(model, one)), expected);
        model.dispose();
      });
    }
  }
});

test("there are as many threads as cores, and no more than the module is for", async () => {
  const counts = [];
  for (const threads of [undefined, 64]) {
    const model = await open("shared", threads);
    counts.push(model.threads);
    model.dispose();
  }
  deepEqual(counts, [Math.min(3, availableParallelism()), 3]);
  equal((await load(bytesOf("relu"), { threads: 4 })).threads, 1);
});

test("a trap in whichever thread is an error of the run, and ends the model", async () => {
  for (const at of [0, 1, 0, 1, 0, 1]) {
    const model = await open("trapping", 2);
    const x = new Float32Array(2);
    x[at] = 2 ** 29;
    await assertFault(() => model.run({ x }), "LikewiseError", "the module trapped");
    await assertFault(() => model.run({ x }), "InputError", "the model was disposed of");
  }
  const model = await open("trapping", 2);
  assertBits(model.run(feedsOf(model, caseOf("trapping"))), caseOf("trapping").outputs);
  model.dispose();
});

/** What another process says on its two streams, and that it ends by itself. */
function said(code: string, entry = "likewise-runtime"): { out: unknown; warned: string } {
  const program = `
    const warned = [];
    console.warn = (text) => warned.push(text);
    const { load } = await import(${JSON.stringify(entry)});
    const out = await (async () => { ${code} })();
    console.log(JSON.stringify({ out, warned: warned.join("|") }));
  `;
  const flags = process.execArgv.filter((flag) => flag.includes("wasm"));
  const options = { encoding: "utf8", timeout: 60_000, cwd: import.meta.dirname } as const;
  return JSON.parse(
    execFileSync(process.execPath, [...flags, "--input-type=module", "-e", program], options),
  );
}

const PATH = JSON.stringify(pathOf("shared_strict"));
const X = `const x = new Float32Array(1000).fill(2);`;
const LAST = `model.run({ x }).y[999]`;

test("a process ends though its models were not disposed of", () => {
  const { out, warned } = said(
    `${X} const model = await load(${PATH}, { threads: 3 }); return [model.threads, typeof ${LAST}];`,
  );
  deepEqual([out, warned], [[3, "number"], ""]);
});

test("workers end with their model, of themselves", () => {
  const { out } = said(
    `${X} const { Worker } = await import("node:worker_threads");
    let ended = 0;
    Worker.prototype.terminate = () => { throw new Error("terminated"); };
    const { prototype: { emit } } = Worker;
    Worker.prototype.emit = function (name, ...rest) {
      if (name === "exit") ended += 1;
      return emit.call(this, name, ...rest);
    };
    const model = await load(${PATH}, { threads: 3 });
    ${LAST};
    model.dispose();
    for (const end = Date.now() + 30_000; ended < 2 && Date.now() < end; ) {
      await new Promise((done) => setTimeout(done, 5));
    }
    return ended;`,
  );
  equal(out, 2);
});

test("without workers one thread does the work, and says so once", () => {
  const entry = new URL("../index.js", import.meta.url).href; // it knows nothing of Node
  const { out, warned } = said(
    `const { readFileSync } = await import("node:fs"); ${X}
    const counts = [];
    for (let turn = 0; turn < 2; turn++) {
      const model = await load(readFileSync(${PATH}), { threads: 3 });
      counts.push(model.threads, typeof ${LAST});
      model.dispose();
    }
    return counts.join();`,
    entry,
  );
  equal(out, "1,number,1,number");
  match(warned, /^likewise: one thread only: [^|]+$/);
});
