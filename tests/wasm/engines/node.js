// node node.js RUNTIME FOLDER: the runtime's node/index.js, and what to run; prints JSON.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { argv } from "node:process";
import { pathToFileURL } from "node:url";
import { answer } from "../../../toolkit/likewise/conform/engines/web/answer.mjs";
import { runAll } from "./engine.js";

const [runtime, folder] = argv.slice(2);
const read = async (name) => {
  const { buffer, byteOffset, byteLength } = await readFile(join(folder, name));
  return buffer.slice(byteOffset, byteOffset + byteLength);
};
const results = await runAll(await import(pathToFileURL(runtime)), read);
answer(JSON.stringify(results));
