// Runs every case in this realm, a page or a worker, and gives the outputs' bytes in base64.
import { hasRelaxedSimd, load } from "/runtime/index.js";

const decode = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;

function encode(array) {
  const same =
    array instanceof Float32Array || array instanceof Float64Array
      ? array.map((value) => (Number.isNaN(value) ? Number.NaN : value))
      : array;
  const bytes = new Uint8Array(same.buffer, same.byteOffset, same.byteLength);
  return btoa(String.fromCharCode(...bytes));
}

/** The answer of a server that says of a file that it is a large one. */
async function large(address) {
  const { body } = await fetch(address);
  const headers = { "content-length": `${64 << 20}`, "content-type": "application/wasm" };
  return new Response(body, { headers });
}

async function runCase(name, { inputs, plain }, onProgress, source = `/modules/${name}.wasm`) {
  const fallback = plain && `/modules/${name}.plain.wasm`;
  const model = await load(source, { fallback, onProgress, threads: 8 });
  const feeds = model.inputs.map((port) => {
    const { constructor } = model.inputView(port.name);
    return [port.name, new constructor(decode(inputs[port.name]))];
  });
  const run = () => {
    const outputs = Object.entries(model.run(Object.fromEntries(feeds)));
    return Object.fromEntries(outputs.map(([key, array]) => [key, encode(array)]));
  };
  run();
  return run();
}

async function failures() {
  const messages = [];
  const tries = [
    () => load("/modules/missing.wasm"),
    () => load("/"),
    () => load("/modules/cases.json", { onProgress() {} }),
    () => load("/modules/relu.wasm").then((model) => model.run({ x: [1] })),
    () => load("/modules/relu.wasm", { signal: AbortSignal.abort() }),
    () => load("/modules/truncated.wasm"),
    () => load("/modules/truncated.wasm", { onProgress() {} }),
    () => load("/modules/weighted.wasm", { weights: "/modules/missing.weights" }),
    () => load("/modules/weighted.wasm", { weights: "/modules/cases.json" }),
    () => load("/modules/weighted.wasm", { weights: "/modules/wrong.weights" }),
    () => load(fetch("/modules/weighted.wasm").then((answer) => answer.blob())),
  ];
  for (const one of tries) {
    await one().then(
      () => messages.push("nothing was raised"),
      (error) => messages.push(`${error.name}: ${error.message}`),
    );
  }
  return messages;
}

/** How many threads models have, by what is asked for. */
async function threads() {
  const counts = [];
  for (const [name, most] of [["shared", 8], ["shared", 2], ["shared", 1], ["relu", 8]]) {
    const model = await load(`/modules/${name}.wasm`, {
      fallback: `/modules/${name}.plain.wasm`,
      threads: most,
    });
    counts.push(model.threads);
    model.dispose();
  }
  return counts;
}

/** What two runs say where one part or the other reads beyond the memory. */
async function traps() {
  const said = [];
  for (const at of [0, 1, 0, 1]) {
    const model = await load("/modules/trapping.wasm", { threads: 2 });
    const x = new Float32Array(2);
    x[at] = 2 ** 29;
    const messages = [];
    for (let turn = 0; turn < 2; turn++) {
      try {
        model.run({ x });
        messages.push("nothing was raised");
      } catch (error) {
        messages.push(`${error.name}: ${error.message}`);
      }
    }
    said.push(messages);
  }
  return said;
}

/** What this realm found: every case's outputs, the last progress, messages of what must fail. */
export async function check() {
  const { cases } = await (await fetch("/modules/cases.json")).json();
  const progress = [];
  const outputs = await Promise.all(
    Object.entries(cases).map(async ([name, one], at) => {
      const onProgress = at % 2 ? (event) => progress.push({ name, ...event }) : undefined;
      return [name, await runCase(name, one, onProgress)];
    }),
  );
  const golden = await load(new URL("/modules/golden_large.wasm", import.meta.url));
  return {
    relaxed: hasRelaxedSimd(),
    outputs: Object.fromEntries(outputs),
    large: await runCase("inside", cases.inside, undefined, large("/modules/inside.wasm")),
    progress,
    golden: await golden.selfTest(),
    failures: await failures(),
    threads: await threads(),
    traps: await traps(),
  };
}
