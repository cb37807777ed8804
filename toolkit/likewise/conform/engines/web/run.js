// Runs a module of `likewise compile`, which has no imports: what Node and a page share.

/**
 * The outputs of `runs` runs, behind each other, and whether `fast` could be used: where an engine
 * has no relaxed SIMD its `plain` twin runs. `plan` has the offset and the size of every input and
 * output in the module's memory; `inputs` are the bytes of all inputs, run by run.
 */
export async function run({ fast, plain, plan, inputs, runs }) {
  const relaxed = WebAssembly.validate(fast);
  const { instance } = await WebAssembly.instantiate(relaxed ? fast : plain);
  const memory = new Uint8Array(instance.exports.memory.buffer);
  const size = plan.outputs.reduce((sum, [, bytes]) => sum + bytes, 0);
  const outputs = new Uint8Array(size * runs);
  let [read, written] = [0, 0];
  for (let count = 0; count < runs; count++) {
    for (const [offset, bytes] of plan.inputs) {
      memory.set(inputs.subarray(read, read + bytes), offset);
      read += bytes;
    }
    instance.exports.run();
    for (const [offset, bytes] of plan.outputs) {
      outputs.set(memory.subarray(offset, offset + bytes), written);
      written += bytes;
    }
  }
  return { outputs, relaxed };
}
