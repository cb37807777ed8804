// The ways to an answer, away from the page's own thread.
import { fetchFeeds } from "/arrays.js";

const PROGRAM = `
import time
import numpy as np
import likewise
steps = []

def needed(compiling):
    likewise.load
    if compiling:
        likewise.compile

def arrays(feeds):
    return {f["name"]: np.asarray(f["data"]).reshape(f["shape"]) for f in feeds.to_py()}

def compiled(onnx, shapes, constants):
    model = likewise.load(onnx.to_bytes())
    begun = time.perf_counter()
    made = likewise.compile(model, shapes=shapes.to_py(), constants=constants.to_py(),
                            progress=lambda *step: steps.append(step))
    return made, 1e3 * (time.perf_counter() - begun)

def timed(runner, feeds, calls):
    begun = time.perf_counter()
    for _ in range(calls):
        runner.run(feeds)
    return 1e3 * (time.perf_counter() - begun) / calls
`;

const bytes = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());
const numbers = (array) => Array.from(array, Number);

/** Outputs of Python as lists of numbers. */
function listed(python, outputs) {
  const list = python.runPython("lambda made: {n: y.ravel().tolist() for n, y in made.items()}");
  return list(outputs).toJs({ dict_converter: Object.fromEntries });
}

/** Python with what the way needs; `stages` are the milliseconds that each stage of it took. */
async function start(compiling) {
  const marks = [performance.now()];
  const { loadPyodide } = await import("/pyodide/pyodide.mjs");
  const python = await loadPyodide({ indexURL: "/pyodide/" });
  marks.push(performance.now());
  await python.loadPackage(["numpy", "likewise"], { messageCallback: () => {} });
  marks.push(performance.now());
  python.runPython(PROGRAM);
  const own = (name) => python.globals.get(name);
  own("needed")(compiling);
  marks.push(performance.now());
  const [core, packages, imports] = marks.slice(1).map((mark, at) => mark - marks[at]);
  return { python, own, stages: { core, packages, imports } };
}

/** The module that was compiled beforehand, in the npm runtime. */
async function prebuilt({ module, inputs, constants }) {
  const { load } = await import("/runtime.js");
  const [model, feeds] = await Promise.all([load(module), fetchFeeds(inputs)]);
  const outputs = model.run(named(feeds, constants));
  return {
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, y]) => [name, numbers(y)])),
  };
}

/** Inputs by name, without what was compiled in. */
function named(feeds, constants) {
  const own = feeds.filter(({ name }) => !(name in constants));
  return Object.fromEntries(own.map(({ name, data }) => [name, data]));
}

async function numpy({ onnx, inputs }) {
  const [{ python, own, stages }, model, feeds] = await Promise.all([
    start(false),
    bytes(onnx),
    fetchFeeds(inputs),
  ]);
  const outputs = python.runPython("lambda onnx, given: likewise.load(onnx.to_bytes()).run(given)")(
    model,
    own("arrays")(feeds),
  );
  return { outputs: listed(python, outputs), ...stages };
}

async function compile({ onnx, inputs, shapes, constants }) {
  const [{ python, own, stages }, model, feeds] = await Promise.all([
    start(true),
    bytes(onnx),
    fetchFeeds(inputs),
  ]);
  const [artefact, compiling] = own("compiled")(model, shapes, constants);
  const runner = artefact.load();
  const given = own("arrays")(feeds.filter(({ name }) => !(name in constants)));
  const outputs = listed(python, runner.run(given));
  return { outputs, ...stages, compiling, steps: own("steps").length };
}

/** The same bytes run from Python and from JavaScript, in turn: milliseconds a call. */
async function speed({ onnx, inputs, shapes, constants, turns, milliseconds }) {
  const [{ python, own }, model, feeds] = await Promise.all([
    start(true),
    bytes(onnx),
    fetchFeeds(inputs),
  ]);
  const { load } = await import("/runtime.js");
  const [artefact] = own("compiled")(model, shapes, constants);
  const runner = artefact.load();
  const given = own("arrays")(feeds.filter(({ name }) => !(name in constants)));
  const there = await load(artefact.data.toJs());
  const theirs = named(feeds, constants);
  const timed = own("timed");
  const ways = {
    python: (calls) => timed(runner, given, calls),
    javascript: (calls) => {
      const begun = performance.now();
      for (let count = 0; count < calls; count++) there.run(theirs);
      return (performance.now() - begun) / calls;
    },
  };
  let each = 1;
  for (const way of Object.values(ways)) {
    const warm = performance.now();
    while (performance.now() - warm < 1500) each = way(Math.ceil(20 / each));
  }
  const calls = Math.max(1, Math.ceil(milliseconds / each));
  const times = { python: [], javascript: [] };
  for (let turn = 0; turn < turns; turn++) {
    const order = turn % 2 ? ["javascript", "python"] : ["python", "javascript"];
    for (const name of order) times[name].push(ways[name](calls));
  }
  const outputs = listed(python, runner.run(given));
  const same = Object.entries(there.run(theirs)).every(([name, y]) =>
    numbers(y).every((value, at) => value === outputs[name][at]),
  );
  return { times, same };
}

const ways = { prebuilt, numpy, compile, speed };

self.onmessage = async ({ data }) => {
  const found = await ways[data.way](data).catch((error) => ({ error: String(error) }));
  self.postMessage(found);
};
