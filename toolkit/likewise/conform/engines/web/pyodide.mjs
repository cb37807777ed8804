// node pyodide.mjs DISTRIBUTION FOLDER RUNS: FOLDER/model.onnx on each of its inputs, on NumPy.
import { join } from "node:path";
import { answer } from "./answer.mjs";

const [distribution, folder, runs] = process.argv.slice(2);
const { loadPyodide } = await import(join(distribution, "pyodide.mjs"));
const pyodide = await loadPyodide({ indexURL: distribution, stdout: () => {} });
await pyodide.loadPackage(["numpy", "likewise"], { messageCallback: () => {} });
pyodide.mountNodeFS("/work", folder);
pyodide.globals.set("runs", Number(runs));
pyodide.runPython(`
import numpy as np
import likewise

model = likewise.load("/work/model.onnx")
for at in range(runs):
    with np.load(f"/work/{at}.in.npz") as feeds:
        made = model.run(dict(feeds))
    np.savez(f"/work/{at}.out.npz", **made)
`);
answer("null");
