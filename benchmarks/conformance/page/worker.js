// One case in onnxruntime-web: its outputs by name, or the error.

import * as ort from "/onnxruntime-web/ort.wasm.bundle.min.mjs";

ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = "/onnxruntime-web/";
ort.env.logLevel = "fatal";

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
};

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function base64(array) {
  const content = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (const byte of content) text += String.fromCharCode(byte);
  return btoa(text);
}

function tensor({ dtype, shape, data }) {
  if (dtype === "string") return new ort.Tensor("string", data, shape);
  let array = new ARRAYS[dtype](bytes(data).buffer);
  // Where an engine has Float16Array, onnxruntime-web takes float16 as nothing else.
  if (dtype === "float16" && globalThis.Float16Array) array = new Float16Array(array.buffer);
  return new ort.Tensor(dtype, array, shape);
}

async function run({ model, feeds }) {
  const session = await ort.InferenceSession.create(bytes(model), { executionProviders: ["wasm"] });
  try {
    const given = Object.fromEntries(feeds.map((one) => [one.name, tensor(one)]));
    const outputs = await session.run(given);
    return session.outputNames.map((name) => {
      const { type, dims, data } = outputs[name];
      return { dtype: type, shape: dims, data: type === "string" ? data : base64(data) };
    });
  } finally {
    await session.release();
  }
}

globalThis.onmessage = async ({ data }) => {
  try {
    globalThis.postMessage({ kind: "ran", outputs: await run(data) });
  } catch (error) {
    const reason = String(error?.message ?? error);
    const aborted = error instanceof WebAssembly.RuntimeError || reason.includes("Aborted");
    globalThis.postMessage({ kind: aborted ? "crash" : "refused", reason });
  }
};
