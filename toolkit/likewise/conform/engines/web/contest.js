// Times engines on one model in this page, in turn: A B C A B C …
import { ARRAYS, open } from "./peer.js";

const ENGINES = {
  /** The module of `likewise compile`, one copy of inputs and outputs included. */
  async likewise({ plan }, bytes) {
    const fetched = async (name) => (await fetch(name)).arrayBuffer();
    const fast = await fetched("fast.wasm");
    const code = WebAssembly.validate(fast) ? fast : await fetched("plain.wasm");
    const { instance } = await WebAssembly.instantiate(code);
    const memory = new Uint8Array(instance.exports.memory.buffer);
    return () => {
      let at = 0;
      for (const [offset, size] of plan.inputs) {
        memory.set(bytes.subarray(at, at + size), offset);
        at += size;
      }
      instance.exports.run();
      return plan.outputs.map(([offset, size]) => memory.slice(offset, offset + size));
    };
  },

  async "onnxruntime-web"({ inputs }, bytes) {
    const { ort, session } = await open();
    const feeds = Object.fromEntries(
      inputs.map(({ name, dtype, shape, offset, size }) => {
        const data = new ARRAYS[dtype](bytes.slice(offset, offset + size).buffer);
        return [name, new ort.Tensor(dtype, data, shape)];
      }),
    );
    return () => session.run(feeds);
  },

  async "litert-js"({ inputs }, bytes) {
    const { Tensor, loadAndCompile, loadLiteRt } = await import("./litert/dist/index.js");
    await loadLiteRt(new URL("litert/wasm/", location.href).href, { threads: false });
    const compiled = await loadAndCompile("model.tflite", {
      accelerator: "wasm",
      cpuOptions: { numThreads: 1 },
    });
    const wanted = compiled.getInputDetails();
    const feeds = inputs.map(({ dtype, offset, size }, at) => {
      const data = new ARRAYS[dtype](bytes.slice(offset, offset + size).buffer);
      return new Tensor(data, wanted[at].shape);
    });
    return async () => {
      const made = await compiled.run(feeds);
      for (const tensor of Object.values(made)) {
        tensor.toTypedArray();
        tensor.delete();
      }
    };
  },
};

/** Milliseconds of `runs` calls of every engine that order.json names, after `warmup` calls. */
export async function contest() {
  const order = await (await fetch("order.json")).json();
  const bytes = new Uint8Array(await (await fetch("inputs.bin")).arrayBuffer());
  const calls = [];
  for (const name of order.engines) {
    try {
      calls.push([name, await ENGINES[name](order, bytes)]);
    } catch (error) {
      throw new Error(`${name}: ${error.message ?? error}`);
    }
  }
  const times = Object.fromEntries(order.engines.map((name) => [name, []]));
  for (let turn = 0; turn < order.warmup + order.runs; turn++) {
    for (const [name, call] of calls) {
      const start = performance.now();
      await call();
      if (turn >= order.warmup) times[name].push(performance.now() - start);
    }
  }
  return times;
}
