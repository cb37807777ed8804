// node install.mjs STOCK FOLDER: runs FOLDER/program.py in the Pyodide of the folder STOCK with
// micropip from FOLDER/wheels, FOLDER mounted as /work; its last value is printed as JSON.
import { readdirSync } from "node:fs";
import { join } from "node:path";

// Keeps Node's event loop awake: an idle one may deadlock with V8's threads (nodejs/node#54918).
const awake = setInterval(() => {}, 2 ** 30);

const [stock, folder] = process.argv.slice(2);
const { loadPyodide } = await import(join(stock, "pyodide.mjs"));
const pyodide = await loadPyodide({ indexURL: stock, stdout: () => {} });
const errors = [];
const wheels = readdirSync(join(folder, "wheels")).map((name) => join(folder, "wheels", name));
await pyodide.loadPackage(wheels, {
  messageCallback: () => {},
  errorCallback: (text) => errors.push(text),
});
if (errors.length) throw new Error(errors.join("\n"));
pyodide.mountNodeFS("/work", folder);
const program = pyodide.FS.readFile("/work/program.py", { encoding: "utf8" });
const made = await pyodide.runPythonAsync(program);
console.log("answer", JSON.stringify(made.toJs({ dict_converter: Object.fromEntries })));
clearInterval(awake);
