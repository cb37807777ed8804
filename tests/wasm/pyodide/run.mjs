// node run.mjs DISTRIBUTION FOLDER: runs FOLDER/program.py in Pyodide with numpy and likewise, FOLDER
// mounted as /work; what the program leaves in `answer` is printed as JSON.
import { join } from "node:path";
import { answer } from "../../../toolkit/likewise/conform/engines/web/answer.mjs";

const [distribution, folder] = process.argv.slice(2);
const { loadPyodide } = await import(join(distribution, "pyodide.mjs"));
const pyodide = await loadPyodide({ indexURL: distribution, stdout: () => {} });
const errors = [];
await pyodide.loadPackage(["numpy", "likewise"], {
  messageCallback: () => {},
  errorCallback: (text) => errors.push(text),
});
if (errors.length) throw new Error(errors.join("\n"));
pyodide.mountNodeFS("/work", folder);
answer(
  pyodide.runPython(`
import json, runpy
json.dumps(runpy.run_path("/work/program.py")["answer"])
`),
);
