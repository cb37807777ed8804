// node node.mjs FOLDER: the modules and inputs in FOLDER, the outputs into it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./run.js";

// Keeps Node's event loop awake: an idle one may deadlock with V8's threads (nodejs/node#54918).
const awake = setInterval(() => {}, 2 ** 30);

const [folder] = process.argv.slice(2);
const read = (name) => readFileSync(join(folder, name));
const order = JSON.parse(read("order.json"));
const { outputs, relaxed } = await run({
  ...order,
  fast: read("fast.wasm"),
  plain: read("plain.wasm"),
  inputs: read("inputs.bin"),
});
writeFileSync(join(folder, "outputs.bin"), outputs);
console.log("answer", JSON.stringify({ relaxed }));
clearInterval(awake);
