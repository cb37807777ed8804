import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { listed, signatureOf } from "../feeds.js";
import { type NpyArray, readNpy, writeNpy } from "../npy.js";
import {
  DownloadError,
  type Feeds,
  hasRelaxedSimd,
  InputError,
  LikewiseError,
  load,
  type Model,
  type Port,
} from "./index.js";

const USAGE = `usage: likewise-wasm run MODEL.wasm -i NAME=FILE.npy ... -o FOLDER [--fallback TWIN.wasm]
                         [--weights MODEL.weights]
       likewise-wasm inspect MODEL.wasm [--json]

Runs a module that \`likewise compile\` wrote.

  run      run it on an array for every input, write one .npy file for every output
  inspect  show what it takes and gives

  -i, --input NAME=FILE.npy   an input; once for each
  -o, --output FOLDER         where the outputs go; made if it is not there
      --fallback TWIN.wasm    the plain-SIMD twin, for a Node without relaxed SIMD
      --weights FILE          separate weights; without it the file that the module names, beside it
      --json                  for programs
  -h, --help                  this text

Exits with 0 when done, 1 when the module is broken or fails, 2 for wrong arguments or arrays and
130 after Ctrl-C.

  likewise-wasm run model.wasm -i x=x.npy -o out/
`;

const OPTIONS = {
  input: { type: "string", short: "i", multiple: true, default: [] as string[] },
  output: { type: "string", short: "o" },
  fallback: { type: "string" },
  weights: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

type Options = ReturnType<typeof parse>["values"];

/** Run the command line; the exit status. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const [command, path, ...rest] = positionals;
    const commands: { [name: string]: typeof run } = { run, inspect };
    const chosen = Object.hasOwn(commands, command ?? "") ? commands[command ?? ""] : undefined;
    if (chosen === undefined || path === undefined || rest.length > 0) {
      throw new InputError("these arguments are not understood", {
        given: args.join(" ") || "none",
        allowed: "run MODEL.wasm, inspect MODEL.wasm",
        hint: "`likewise-wasm --help` shows the form",
      });
    }
    await chosen(path, values);
    return 0;
  } catch (error) {
    if (!(error instanceof LikewiseError)) throw error;
    process.stderr.write(`likewise-wasm: ${error.message}\n`);
    return error instanceof InputError || error instanceof DownloadError ? 2 : 1;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new InputError((error as Error).message, {
      hint: "`likewise-wasm --help` shows the form",
    });
  }
}

async function inspect(path: string, options: Options): Promise<void> {
  const model = await open(path, options);
  const { inputs, outputs, numerics, sourceSha256, memoryBytes } = model;
  if (options.json) {
    print(JSON.stringify({ inputs, outputs, numerics, sourceSha256, memoryBytes }));
    return;
  }
  for (const port of inputs) print(`input   ${port.name}  ${shown(port)}`);
  for (const port of outputs) print(`output  ${port.name}  ${shown(port)}`);
  print(`numerics ${numerics}, memory ${(memoryBytes / 2 ** 20).toFixed(2)} MiB`);
  print(`compiled from a model with SHA-256 ${sourceSha256 || "unknown"}`);
}

async function run(path: string, options: Options): Promise<void> {
  const { input, output } = options;
  if (output === undefined) {
    throw new InputError("where are the outputs to go?", { allowed: "-o FOLDER" });
  }
  const model = await open(path, options);
  const feeds = await readFeeds(input, model);
  const files = fileNames(model.outputs);
  const before = performance.now();
  const outputs = model.run(feeds);
  const spent = performance.now() - before;
  await written(mkdir(output, { recursive: true }));
  for (const [at, { name, dtype }] of model.outputs.entries()) {
    const shape = model.outputShape(name);
    const data = outputs[name] as NpyArray["data"];
    const file = join(output, files[at] ?? "");
    await written(writeFile(file, writeNpy({ dtype, shape, data })));
    print(`${name}  ${signatureOf({ dtype, shape })}  ${file}`);
  }
  print(`ran in ${spent.toFixed(3)} ms`);
}

function open(path: string, { fallback, weights }: Options): Promise<Model> {
  // Node 20 has relaxed SIMD, but switched off.
  if (!hasRelaxedSimd()) setFlagsFromString("--experimental-wasm-relaxed-simd");
  return load(path, { fallback, weights });
}

async function readFeeds(options: readonly string[], model: Model): Promise<Feeds> {
  const feeds: [string, NpyArray["data"]][] = [];
  for (const option of options) {
    // An input's name may hold a `=`; the longest one that the model has is meant.
    const port = model.inputs
      .filter(({ name }) => option.startsWith(`${name}=`))
      .sort((a, b) => b.name.length - a.name.length)[0];
    if (port === undefined || feeds.some(([name]) => name === port.name)) {
      throw new InputError(port ? "an input is given twice" : "this names no input", {
        given: `-i ${option}`,
        allowed: `-i NAME=FILE.npy with ${listed(model.inputs.map(({ name }) => name))}`,
      });
    }
    feeds.push([port.name, await readFeed(option.slice(port.name.length + 1), port)]);
  }
  return Object.fromEntries(feeds);
}

async function readFeed(path: string, port: Port): Promise<NpyArray["data"]> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new InputError("the file cannot be read", { where: [path], given: error.message });
  });
  const array = readNpy(bytes, path);
  const bits = port.dtype === "bfloat16" && array.dtype === "uint16";
  if ((array.dtype !== port.dtype && !bits) || String(array.shape) !== String(port.shape)) {
    throw new InputError("an array of another type or shape", {
      where: [`input \`${port.name}\``, path],
      given: signatureOf(array),
      allowed: signatureOf(port),
    });
  }
  return array.data;
}

async function written<T>(done: Promise<T>): Promise<void> {
  await done.catch((error: Error) => {
    throw new InputError("the outputs cannot be written", { given: error.message });
  });
}

/** A file name for every output, without what a file system takes for a path; no two alike. */
function fileNames(ports: readonly Port[]): string[] {
  const taken = new Set<string>();
  return ports.map(({ name }) => {
    const plain = name.replace(/[^\w.-]/g, "_").replace(/^\./, "_") || "_";
    let file = `${plain}.npy`;
    for (let at = 2; taken.has(file.toLowerCase()); at++) file = `${plain}-${at}.npy`;
    taken.add(file.toLowerCase());
    return file;
  });
}

function shown({ dtype, shape, dynamicAxis }: Port): string {
  const sizes = shape.map((size, axis) => (axis === dynamicAxis ? `≤${size}` : size));
  return `${dtype}[${sizes.join(",")}]`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
