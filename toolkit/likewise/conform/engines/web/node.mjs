// node node.mjs FOLDER: the modules and inputs in FOLDER, the outputs into it.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "./answer.mjs";
import { run } from "./run.js";

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
answer(JSON.stringify({ relaxed }));
