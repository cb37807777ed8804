/** Pyodide with NumPy and likewise, away from the page's own thread. */
import bridge from "../../python/bridge.py?raw";
import type { Tensor } from "../engines/engine";
import { answer, type Report } from "./call";

/** As much of Pyodide as is used here. */
interface Pyodide {
  loadPackage(names: readonly string[]): Promise<unknown>;
  runPython(code: string, options: { globals: PyProxy }): unknown;
  toPy(value: unknown): PyProxy;
  readonly _module: { readonly HEAPU8: Uint8Array };
}

interface PyProxy {
  get(name: string): PyFunction;
  destroy(): void;
}

type PyFunction = (...given: unknown[]) => unknown;

interface Named {
  readonly key: string;
  readonly name: string;
  readonly onnx: string | Uint8Array<ArrayBuffer>;
}

let booted: { readonly pyodide: Pyodide; readonly call: PyFunction } | undefined;
let downloaded = 0;
const loaded = new Map<string, number>();

/** Count what every download brings, and say how far it is. */
function counting(report: Report): () => void {
  const original = self.fetch;
  self.fetch = async (input, init) => {
    const response = await original(input, init);
    const name = decodeURI(response.url).split("/").pop() ?? "";
    if (!response.ok || !response.body) {
      throw new Error(`${name} could not be downloaded: HTTP ${response.status}`);
    }
    return new Response(response.body.pipeThrough(counted(name, response, report)), {
      headers: response.headers,
    });
  };
  return () => {
    self.fetch = original;
  };
}

function counted(name: string, { headers }: Response, report: Report) {
  const total = headers.has("content-encoding") ? 0 : Number(headers.get("content-length"));
  let done = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      done += chunk.byteLength;
      downloaded += chunk.byteLength;
      report({ step: `Downloading ${name}`, done, total: total || undefined });
      controller.enqueue(chunk);
    },
  });
}

async function boot(address: string, report: Report): Promise<number> {
  if (booted) return downloaded;
  const restore = counting(report);
  try {
    report({ step: "Starting Python" });
    const { loadPyodide } = await import(/* @vite-ignore */ `${address}pyodide.mjs`);
    const failures: string[] = [];
    const pyodide: Pyodide = await loadPyodide({ indexURL: address });
    const packages = ["numpy", "likewise"];
    await (pyodide.loadPackage as (names: readonly string[], options: object) => Promise<unknown>)(
      packages,
      { messageCallback: () => {}, errorCallback: (text: string) => failures.push(text) },
    );
    if (failures.length) throw new Error(failures.join("; "));
    report({ step: "Starting NumPy and likewise" });
    const globals = pyodide.toPy({});
    pyodide.runPython(bridge, { globals });
    booted = { pyodide, call: globals.get("call") };
    return downloaded;
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`Python could not be started: ${words}. Try again.`);
  } finally {
    restore();
  }
}

function python<T>(method: string, given: object, report: Report = () => {}): T {
  if (!booted) throw new Error("Python is not started");
  const tell = (step: string, done?: number, total?: number) => report({ step, done, total });
  const { error, made } = booted.call(method, given, tell) as { error?: string; made: T };
  if (error) throw new Error(error);
  return made;
}

async function load({ key, name, onnx }: Named, report: Report): Promise<number> {
  const before = loaded.get(key);
  if (before !== undefined) return before;
  let bytes = onnx;
  let came = 0;
  if (typeof bytes === "string") {
    bytes = await fetched(bytes, report);
    came = bytes.byteLength;
  }
  report({ step: "Reading the model" });
  python("load", { key, name, onnx: bytes });
  loaded.set(key, came);
  return came;
}

async function fetched(address: string, report: Report): Promise<Uint8Array<ArrayBuffer>> {
  const restore = counting(report);
  const before = downloaded;
  try {
    return new Uint8Array(await (await fetch(address)).arrayBuffer());
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new Error(`The download of the model broke off: ${words}. Try again.`);
  } finally {
    downloaded = before; // what `load` counts by itself
    restore();
  }
}

const methods = {
  boot,
  load,
  inspect: async (given: Named, report: Report) => {
    await load(given, report);
    return python("inspect", { key: given.key });
  },
  draw: (given: { key: string; shapes: object; seed: number }) => python("draw", given),
  compile: (given: { key: string; shapes: object }, report: Report) =>
    python("compile", given, report),
  run: (given: { key: string; feeds: Record<string, Tensor>; profile: boolean }) =>
    python("run", given),
  memory: () => booted?.pyodide._module.HEAPU8.byteLength ?? 0,
};

export type PythonMethods = typeof methods;

answer(methods);
