import { deepEqual, equal, match } from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { load } from "likewise-runtime";
import { type NpyArray, readNpy, writeNpy } from "likewise-runtime/npy";
import { assertBits, caseOf, feedsOf, moduleWith, pathOf, source } from "./helpers.js";

const MAIN = fileURLToPath(new URL("../node/main.js", import.meta.url));
const FOLDER = mkdtempSync(join(tmpdir(), "likewise-"));
after(() => rmSync(FOLDER, { recursive: true }));

interface Done {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function cli(...args: readonly string[]): Promise<Done> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, out, err) => {
      resolve({ status: error ? Number(error.code) : 0, out, err });
    });
  });
}

function saved(name: string, array: NpyArray): string {
  const path = join(FOLDER, name);
  writeFileSync(path, writeNpy(array));
  return path;
}

/** The `-i` of every input of a case. */
async function inputs(name: string): Promise<string[]> {
  const model = await load(pathOf(name.replace(/^(fused|weighted)$/, "$1.plain")));
  const feeds = feedsOf(model, caseOf(name));
  return model.inputs.flatMap((port) => {
    const data = feeds[port.name] as NpyArray["data"];
    return ["-i", `${port.name}=${saved(`${name}-${port.name}.npy`, { ...port, data })}`];
  });
}

test("run writes the outputs, in files whose names are safe", async () => {
  const out = join(FOLDER, "new", "out");
  const done = await cli("run", pathOf("two"), ...(await inputs("two")), "-o", out);
  deepEqual([done.status, done.err], [0, ""]);
  match(done.out, /^rounded\/0 {2}int32\[2,3\] {2}.*rounded_0\.npy$/m);
  match(done.out, /^ran in \d+\.\d+ ms$/m);
  deepEqual(readdirSync(out).sort(), ["rounded_0.npy", "scaled.npy"]);
  const read = (file: string) => readNpy(readFileSync(join(out, file)));
  deepEqual(read("rounded_0.npy").shape, [2, 3]);
  const data = { scaled: read("scaled.npy").data, "rounded/0": read("rounded_0.npy").data };
  assertBits(data, caseOf("two").outputs);
});

test("every other case runs too, fast ones on a Node that has relaxed SIMD switched off", async () => {
  for (const name of ["fused", "positives", "triple_bfloat16", "not"]) {
    const out = join(FOLDER, name);
    const done = await cli("run", pathOf(name), ...(await inputs(name)), "-o", out);
    deepEqual([done.status, done.err], [0, ""]);
    const { data, shape } = readNpy(readFileSync(join(out, "y.npy")));
    assertBits({ y: data }, caseOf(name).outputs);
    deepEqual(shape, caseOf(name).shapes["y"]);
  }
});

test("weights lie beside the module, or where an option says", async () => {
  const [module, weights] = [join(FOLDER, "m.wasm"), join(FOLDER, "w")];
  copyFileSync(pathOf("weighted"), module);
  copyFileSync(pathOf("weighted").replace(/wasm$/, "weights"), weights);
  const feeds = await inputs("weighted");
  const calls = [
    [pathOf("weighted"), "-o", join(FOLDER, "beside")],
    [module, "--weights", weights, "-o", join(FOLDER, "elsewhere")],
  ];
  for (const [path = "", ...options] of calls) {
    const done = await cli("run", path, ...feeds, ...options);
    deepEqual([done.status, done.err], [0, ""]);
    const { data } = readNpy(readFileSync(join(options.at(-1) ?? "", "y.npy")));
    assertBits({ y: data }, caseOf("weighted").outputs);
  }
  const done = await cli("inspect", module);
  deepEqual([done.status, done.out], [2, ""]);
  match(done.err, /weighted\.weights: the weights cannot be read; given: ENOENT/);
});

test("inspect", async () => {
  const done = await cli("inspect", pathOf("positives"));
  equal(
    done.out,
    "input   x  int32[5]\noutput  y  int32[2,≤5]\nnumerics strict, memory 0.06 MiB\n" +
      `compiled from a model with SHA-256 ${source}\n`,
  );
  const found = JSON.parse((await cli("inspect", pathOf("relu"), "--json")).out);
  deepEqual(found.inputs, [{ name: "x", dtype: "float", shape: [3, 4, 5] }]);
  equal(found.memoryBytes, 65536);
});

test("help", async () => {
  for (const option of ["--help", "-h"]) {
    const done = await cli(option);
    equal(done.status, 0);
    match(done.out, /^usage: likewise-wasm run/);
  }
});

test("what is wrong, and the exit status", async () => {
  const x = saved("x.npy", { dtype: "float", shape: [3, 4, 5], data: new Float32Array(60) });
  const flat = saved("flat.npy", { dtype: "float", shape: [60], data: new Float32Array(60) });
  const wide = saved("wide.npy", { dtype: "double", shape: [3, 4, 5], data: new Float64Array(60) });
  const broken = join(FOLDER, "broken.wasm");
  writeFileSync(broken, "<html>");
  const traps = join(FOLDER, "traps.wasm");
  const section = { version: 1, numerics: "strict", golden: {}, inputs: [], outputs: [] };
  writeFileSync(traps, moduleWith(section, [0x00]));
  const [relu, out] = [pathOf("relu"), join(FOLDER, "out")];
  const rows: [string[], number, string][] = [
    [[], 2, "these arguments are not understood; given: none; allowed: run MODEL.wasm"],
    [["rnu", relu], 2, "`likewise-wasm --help` shows the form"],
    [["run"], 2, "these arguments are not understood; given: run"],
    [["run", relu, "--fast"], 2, "Unknown option '--fast'"],
    [["run", relu, "-i", `x=${x}`], 2, "where are the outputs to go?; allowed: -o FOLDER"],
    [["run", relu, "-o", out], 2, "not the model's inputs; given: none; allowed: `x`"],
    [["run", relu, "-o", out, "-i", x], 2, "this names no input; given: -i "],
    [["run", relu, "-o", out, "-i", `x=${x}`, "-i", `x=${x}`], 2, "an input is given twice"],
    [
      ["run", relu, "-o", out, "-i", "x=no.npy"],
      2,
      "no.npy: the file cannot be read; given: ENOENT",
    ],
    [["run", relu, "-o", out, "-i", `x=${relu}`], 2, "relu.wasm: not a `.npy` file"],
    [["run", relu, "-o", out, "-i", `x=${flat}`], 2, "given: float[60]; allowed: float[3,4,5]"],
    [["run", relu, "-o", out, "-i", `x=${wide}`], 2, "given: double[3,4,5]; allowed: float[3,4,5]"],
    [["run", relu, "-o", relu, "-i", `x=${x}`], 2, "the outputs cannot be written; given: EEXIST"],
    [["run", "no.wasm", "-o", out], 2, "no.wasm: the module cannot be read; given: ENOENT"],
    [["inspect", broken], 1, 'they begin with "<html>"'],
    [["run", traps, "-o", out], 1, "the module trapped; given: unreachable"],
  ];
  for (const [args, status, message] of rows) {
    const done = await cli(...args);
    deepEqual([done.status, done.out], [status, ""], args.join(" "));
    match(done.err, /^likewise-wasm: /);
    deepEqual(done.err.includes(message), true, `${done.err} does not hold ${message}`);
  }
});
