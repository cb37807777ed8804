// The engines: each opens a model and gives `run`, which takes arrays by name and gives them back.

/** A module of ours, in the runtime as a page downloads it. */
export async function likewise({ module }) {
  const { load } = await import("/runtime.js");
  const model = await load(module);
  const own = new Set(model.inputs.map(({ name }) => name)); // without what was compiled in
  const arrays = (feeds) => feeds.map(({ name, data }) => [name, data]);
  return {
    prepare: (feeds) => Object.fromEntries(arrays(feeds).filter(([name]) => own.has(name))),
    run: (feeds) => model.run(feeds),
    close: () => model.dispose(),
  };
}

/** `dims` are the sizes of the model's symbolic dims: told, it plans its memory ahead. */
export async function onnxruntime({ model, threads, dims }) {
  // The number of threads belongs to the script: with another address it is another one.
  const ort = await import(`/onnxruntime-web/ort.wasm.bundle.min.mjs?threads=${threads}`);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = "/onnxruntime-web/";
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(model, {
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
