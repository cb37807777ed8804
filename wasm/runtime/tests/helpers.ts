import { deepEqual, fail } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  DownloadError,
  InputError,
  LikewiseError,
  type Model,
  ModelError,
  type Outputs,
  type TypedArray,
} from "likewise-runtime";

/** A module that Python wrote, and what wasmtime answered. */
export interface Case {
  readonly numerics: string;
  readonly inputs: { readonly [name: string]: string };
  readonly outputs: { readonly [name: string]: string };
  readonly shapes: { readonly [name: string]: readonly number[] };
  /** The answer of the plain-SIMD twin. */
  readonly plain?: { readonly [name: string]: string };
}

const FOLDER =
  process.env["LIKEWISE_TEST_MODULES"] ??
  fail("LIKEWISE_TEST_MODULES is unset: `./dev test tests/wasm` makes the modules and sets it");

export const { source, cases } = JSON.parse(readFileSync(join(FOLDER, "cases.json"), "utf8")) as {
  source: string;
  cases: { readonly [name: string]: Case };
};

export function caseOf(name: string): Case {
  return cases[name] ?? fail(`no case ${name}`);
}

export function pathOf(name: string): string {
  return join(FOLDER, `${name}.wasm`);
}

export function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(readFileSync(pathOf(name)));
}

/** The feeds of a case for a model's inputs, as the arrays that their types ask for. */
export function feedsOf(model: Model, { inputs }: Case): Outputs {
  return Object.fromEntries(
    model.inputs.map((port) => {
      const bytes = Uint8Array.from(Buffer.from(inputs[port.name] ?? "", "base64"));
      const view = model.inputView(port.name);
      const array = view.constructor as new (buffer: ArrayBuffer) => TypedArray;
      return [port.name, new array(bytes.buffer)];
    }),
  );
}

/** The bytes of arrays in base64, every NaN as the same one: engines differ in its sign. */
export function encoded(arrays: Outputs): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, array]) => {
      const floats = array instanceof Float32Array || array instanceof Float64Array;
      const { buffer, byteOffset, byteLength } = floats
        ? array.map((value) => (Number.isNaN(value) ? Number.NaN : value))
        : array;
      return [name, Buffer.from(buffer, byteOffset, byteLength).toString("base64")];
    }),
  );
}

export function assertBits(given: Outputs, expected: Case["outputs"]): void {
  deepEqual(encoded(given), { ...expected });
}

/** The error that `act` raises: its class, and a message that holds every one of `parts`. */
export async function assertFault(
  act: () => unknown,
  kind: "InputError" | "ModelError" | "DownloadError" | "LikewiseError",
  ...parts: readonly string[]
): Promise<LikewiseError> {
  const kinds = { InputError, ModelError, DownloadError, LikewiseError };
  try {
    await act();
  } catch (error) {
    if (!(error instanceof kinds[kind])) throw error;
    deepEqual(error.name, kind, error.message);
    const missing = parts.filter((part) => !error.message.includes(part));
    deepEqual(missing, [], error.message);
    return error;
  }
  return fail("nothing was raised");
}

/** A module with the section `section` (a text, or what becomes JSON) and `code` as its `run`. */
export function moduleWith(
  section: unknown,
  code: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  const text = typeof section === "string" ? section : JSON.stringify(section);
  const content = new TextEncoder().encode(text);
  const part = (number: number, bytes: readonly number[]) => [
    number,
    ...leb(bytes.length),
    ...bytes,
  ];
  const name = (one: string) => [one.length, ...new TextEncoder().encode(one)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...part(0, [...name("likewise"), ...content]),
    ...part(1, [1, 0x60, 0, 0]),
    ...part(3, [1, 0]),
    ...part(5, [1, 1, 1, 1]),
    ...part(7, [2, ...name("memory"), 2, 0, ...name("run"), 0, 0]),
    ...part(10, [1, code.length + 2, 0, ...code, 0x0b]),
  ]);
}

function leb(size: number): number[] {
  return size < 128 ? [size] : [(size % 128) + 128, ...leb(Math.floor(size / 128))];
}

/** The address of a server that answers with `listener` until the test ends. */
export async function served(test: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.wasm`;
}
