// node install.mjs STOCK FOLDER: runs FOLDER/program.py in the Pyodide of the folder STOCK with
// micropip from FOLDER/wheels, FOLDER mounted as /work; its last value is printed as JSON.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../../../toolkit/likewise/conform/engines/web/answer.mjs";

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
answer(JSON.stringify(made.toJs({ dict_converter: Object.fromEntries })));
