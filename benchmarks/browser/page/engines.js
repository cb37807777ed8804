// The engines: each opens a model and gives `run`, which takes arrays by name and gives them back.
// Each asks for the model, if a page has not (`response`), before its own script is there, so that
// both are on their way at once.

const bytesOf = async (response) => new Uint8Array(await (await response).arrayBuffer());

/** A module of ours, in the runtime as a page downloads it. */
export async function likewise({ module, response = fetch(module) }) {
  const { load } = await import("/runtime.js");
  const model = await load(response);
  const own = new Set(model.inputs.map(({ name }) => name)); // without what was compiled in
  const arrays = (feeds) => feeds.map(({ name, data }) => [name, data]);
  return {
    prepare: (feeds) => Object.fromEntries(arrays(feeds).filter(([name]) => own.has(name))),
    run: (feeds) => model.run(feeds),
    close: () => model.dispose(),
  };
}

/** `dims` are the sizes of the model's symbolic dims: told, it plans its memory ahead. */
export async function onnxruntime({ model, threads, dims, response = fetch(model) }) {
  const bytes = bytesOf(response);
  // The number of threads belongs to the script: with another address it is another one.
  const ort = await import(`/onnxruntime-web/ort.wasm.bundle.min.mjs?threads=${threads}`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = "/onnxruntime-web/";
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(await bytes, {
    executionProviders: ["wasm"],
    freeDimensionOverrides: dims,
  });
  const tensor = ({ name, dtype, shape, data }) => [name, new ort.Tensor(dtype, data, shape)];
  return {
    prepare: (feeds) => Object.fromEntries(feeds.map(tensor)),
    async run(feeds) {
      const outputs = Object.entries(await session.run(feeds));
      return Object.fromEntries(outputs.map(([name, { data }]) => [name, data]));
    },
    close: () => session.release(),
  };
}

/**
 * `outputs` are the shapes that the ONNX model gives its outputs. What onnx2tf makes has the
 * channels last at its edges, and takes int32 where the model takes int64.
 */
export async function litert({ model, threads, outputs, response = fetch(model) }) {
  const bytes = bytesOf(response);
  const { Tensor, loadAndCompile, loadLiteRt } = await import(`/litert.js?threads=${threads}`);
  await loadLiteRt("/litert/", { threads: threads > 1 });
  const compiled = await loadAndCompile(await bytes, {
    accelerator: "wasm",
    cpuOptions: { numThreads: threads },
  });
  const [given, made] = [compiled.getInputDetails(), compiled.getOutputDetails()];
  const tensor = ({ name, shape, data }) => {
    const wanted = given.find((one) => one.name === name);
    const array = data instanceof BigInt64Array ? Int32Array.from(data, Number) : data;
    const moved = moveChannels(array, shape, [...wanted.shape]);
    return [wanted.name, new Tensor(moved, wanted.shape)];
  };
  return {
    prepare(feeds) {
      const own = new Set(given.map(({ name }) => name)); // without what was fixed
      return Object.fromEntries(feeds.filter(({ name }) => own.has(name)).map(tensor));
    },
    async run(feeds) {
      const found = Object.entries(await compiled.run(feeds));
      return Object.fromEntries(
        found.map(([name, one]) => {
          const data = one.toTypedArray();
          one.delete();
          return [name, data];
        }),
      );
    },
    named: (found) =>
      Object.fromEntries(
        Object.entries(outputs).map(([name, shape], at) => {
          const one = made.find((other) => other.name === name) ?? made[at]; // in their order
          return [name, channelsBack(found[one.name], shape, [...one.shape])];
        }),
      ),
    close: () => compiled.delete(),
  };
}

const same = (a, b) => a.length === b.length && a.every((size, at) => size === b[at]);

/** `data` of `shape` with its axis 1 last, where that is what is `wanted`. */
function moveChannels(data, shape, wanted) {
  if (same(shape, wanted)) return data;
  const [count, channels, ...places] = shape;
  if (!same(wanted, [count, ...places, channels])) throw new Error(`${shape} is not ${wanted}`);
  return swapped(data, count, channels, data.length / (count * channels || 1));
}

function channelsBack(data, shape, given) {
  if (same(shape, given)) return data;
  const [count, channels] = shape;
  return swapped(data, count, data.length / (count * channels || 1), channels);
}

/** [count, rows, columns] as [count, columns, rows]. */
function swapped(data, count, rows, columns) {
  const made = new data.constructor(data.length);
  for (let at = 0; at < data.length; at++) {
    const [row, column] = [Math.floor(at / columns) % rows, at % columns];
    made[Math.floor(at / (rows * columns)) * rows * columns + column * rows + row] = data[at];
  }
  return made;
}
