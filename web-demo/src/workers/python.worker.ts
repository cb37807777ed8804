/** Pyodide with NumPy and likewise, away from the page's own thread. */
import bridge from "../../python/bridge.py?raw";
import type { Tensor } from "../engines/engine";
import { answer, type Report } from "./call";
import { counted, download, wordsOf } from "./download";

/** As much of Pyodide as is used here. */
interface Pyodide {
  loadPackage(
    names: readonly string[],
    options: { messageCallback: (text: string) => void; errorCallback: (text: string) => void },
  ): Promise<unknown>;
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

/** Report every download of Pyodide, which fetches by itself; gives what ends that. */
function watchFetch(report: Report, fail: (error: unknown) => void): () => void {
  const original = self.fetch;
  self.fetch = async (input, init) => {
    const response = await original(input, init);
    const name = decodeURI(response.url).split("/").pop() ?? "";
    if (!response.ok) throw new Error(`${name} could not be downloaded: HTTP ${response.status}`);
    let before = 0;
    const take: Report = (progress) => {
      downloaded += (progress.done ?? 0) - before;
      before = progress.done ?? 0;
      report(progress);
    };
    const broken = (error: unknown) =>
      fail(new Error(`the download of ${name} broke off: ${wordsOf(error)}`));
    return counted(response, `Downloading ${name}`, take, broken);
  };
  return () => {
    self.fetch = original;
  };
}

async function boot(address: string, report: Report): Promise<number> {
  if (booted) return downloaded;
  // Where its program does not come, Pyodide waits for ever: only its downloads tell.
  let fail: (error: unknown) => void = () => {};
  const lost = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const restore = watchFetch(report, fail);
  const unhandled = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    fail(event.reason);
  };
  self.addEventListener("unhandledrejection", unhandled);
  try {
    booted = await Promise.race([start(address, report), lost]);
    downloaded += imported(address);
    return downloaded;
  } catch (error) {
    throw new Error(`Python could not be started: ${wordsOf(error)}. Try again.`);
  } finally {
    self.removeEventListener("unhandledrejection", unhandled);
    restore();
  }
}

/** Bytes of the scripts below an address that were not fetched but imported. */
function imported(address: string): number {
  const entries = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  return entries
    .filter(({ name, initiatorType }) => name.startsWith(address) && initiatorType !== "fetch")
    .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0);
}

async function start(address: string, report: Report) {
  report({ step: "Starting Python" });
  const { loadPyodide } = await import(/* @vite-ignore */ `${address}pyodide.mjs`);
  const pyodide: Pyodide = await loadPyodide({ indexURL: address });
  const failures: string[] = [];
  await pyodide.loadPackage(["numpy", "likewise"], {
    messageCallback: () => {},
    errorCallback: (text) => failures.push(text),
  });
  if (failures.length) throw new Error(failures.join("; "));
  report({ step: "Starting NumPy and likewise" });
  const globals = pyodide.toPy({});
  pyodide.runPython(bridge, { globals });
  return { pyodide, call: globals.get("call") };
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
    bytes = await download(bytes, "the model", report);
    came = bytes.byteLength;
  }
  report({ step: "Reading the model" });
  python("load", { key, name, onnx: bytes });
  loaded.set(key, came);
  return came;
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
  steps: (given: { key: string; shapes: object; relaxed: boolean }, report: Report) =>
    python("steps", given, report),
  run: (given: { key: string; feeds: Record<string, Tensor>; profile: boolean }) =>
    python("run", given),
  memory: () => booted?.pyodide._module.HEAPU8.byteLength ?? 0,
};

export type PythonMethods = typeof methods;

answer(methods);
