// Times two modules of one model call by call, A B B A A B …, with their inputs written anew, without
// what a runtime adds.
import { apart, fetchFeeds } from "./arrays.js";

async function open(url, feeds) {
  const { instance, module } = await WebAssembly.instantiateStreaming(fetch(url));
  const { memory, run } = instance.exports;
  const [section] = WebAssembly.Module.customSections(module, "likewise");
  const { inputs, outputs } = JSON.parse(new TextDecoder().decode(section));
  const places = inputs.map(({ name, offset }) => {
    const { data } = feeds.find((one) => one.name === name);
    const bytes = new Uint8Array(data.buffer);
    return { bytes, place: new Uint8Array(memory.buffer, offset, bytes.length) };
  });
  const floats = ({ name, dtype, offset, bytes }) => [
    name,
    dtype === "float" ? new Float32Array(memory.buffer.slice(offset, offset + bytes)) : [0],
  ];
  const call = () => {
    for (const { bytes, place } of places) place.set(bytes);
    run();
  };
  return { call, outputs: () => Object.fromEntries(outputs.map(floats)) };
}

/** How long calls of each took, in milliseconds, and how far their outputs are `apart`. */
export async function beside({ modules, inputs, warmUp, milliseconds }) {
  const feeds = await fetchFeeds(inputs);
  const models = [];
  for (const url of modules) models.push(await open(url, feeds));
  for (let part = 0; part < 4; part++) {
    for (const { call } of models) {
      const end = performance.now() + warmUp / 8;
      do call();
      while (performance.now() < end);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  const times = models.map(() => []);
  const start = performance.now();
  models[0].call();
  // The clock counts in steps of 5 µs: short calls are timed together.
  const together = Math.max(1, Math.ceil(0.3 / (performance.now() - start)));
  const end = performance.now() + milliseconds;
  for (let round = 0; performance.now() < end; round++) {
    for (const at of round % 2 ? [1, 0] : [0, 1]) {
      const began = performance.now();
      for (let number = 0; number < together; number++) models[at].call();
      times[at].push((performance.now() - began) / together);
    }
  }
  const [other, own] = models.map(({ outputs }) => outputs());
  return { times, apart: apart(own, other) };
}
