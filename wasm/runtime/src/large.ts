import type { Compiled } from "./compile.js";
import { readSection, SECTION } from "./section.js";

/** Of the binary format: sections, an opcode, and what ends an expression. */
const CUSTOM = 0;
const DATA = 11;
const DATA_COUNT = 12;
const I32_CONST = 0x41;
const END = 0x0b;

const ENCODER = new TextEncoder();
/** How a section of ours begins: its name, with the length before it, and that of what it says. */
const SAYS = ENCODER.encode(`${String.fromCharCode(SECTION.length)}${SECTION}{`);

type Bytes = Uint8Array<ArrayBuffer>;

/** A module up to its weights, as code of its own, and the weights. */
interface Head {
  readonly code: Bytes;
  /** Where they begin in the file. */
  readonly start: number;
  /** Where they belong in memory, and how many they are. */
  readonly offset: number;
  readonly bytes: number;
}

/**
 * Compile the code of a module as soon as it is there, and read the weights behind it to their
 * place in an instance's memory, as they arrive. Given them, an engine would keep them all besides.
 * What cannot be split so, as where threads share the memory, is compiled as a whole. Raises
 * ModelError or a WebAssembly.CompileError.
 */
export async function compileLarge(
  content: Response,
  where: readonly string[],
): Promise<Omit<Compiled, "loaded">> {
  const reader = (content.body as ReadableStream<Bytes>).getReader();
  try {
    let read: Bytes = new Uint8Array();
    let head: Head | "none" | undefined;
    while (!head) {
      const { value } = await reader.read();
      if (value) read = joined(read, value);
      head = value ? headOf(read) : "none";
    }
    if (head === "none") {
      const whole = new Response(continued(read, reader), { headers: content.headers });
      return { module: await WebAssembly.compileStreaming(whole) };
    }
    const { code, start, offset, bytes } = head;
    const module = await WebAssembly.compile(code);
    readSection(module, where); // before anything of another's module runs
    const instance = WebAssembly.instantiate(module);
    const memory = await instance.then(
      ({ exports }) => exports["memory"] as WebAssembly.Memory,
      () => undefined, // `instance` says why
    );
    if (memory) {
      const { buffer } = memory;
      if (offset + bytes > buffer.byteLength) {
        throw new WebAssembly.CompileError("its weights lie outside its memory");
      }
      const target = new Uint8Array(buffer, offset, bytes);
      let at = 0;
      let chunk: Bytes | undefined = read.subarray(start);
      while (chunk) {
        target.set(chunk.subarray(0, bytes - at), at);
        at += chunk.length;
        chunk = (await reader.read()).value;
      }
      if (at < bytes) throw new WebAssembly.CompileError(`it ends ${bytes - at} bytes too early`);
    }
    return { module, instance };
  } finally {
    reader.cancel().catch(() => {});
  }
}

/**
 * The head of a module of ours, if its data is one segment at the end of the file; undefined where
 * more has to be read, "none" for any other. As code of its own it says that its weights are apart.
 */
function headOf(file: Bytes): Head | "none" | undefined {
  let at = 8;
  const number = () => {
    let found = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = file[at++] ?? 0;
      found += (byte & 127) * unit;
      if (byte < 128) return found;
    }
  };
  let said: Bytes | undefined;
  while (at < file.length) {
    const begin = at;
    const [section, size] = [number(), number()];
    const end = at + size;
    if (!said) {
      if (end > file.length) break;
      said = file.subarray(at, end);
      if (section !== CUSTOM || !SAYS.every((byte, place) => byte === said?.[place])) return "none";
    }
    if (section === DATA_COUNT) return "none"; // the code refers to its data
    if (section === DATA) {
      const [count, kind, code, offset] = [number(), number(), number(), number()];
      const negative = (file[at - 1] ?? 0) & 64;
      const [closed, bytes] = [number(), number()];
      if (at > file.length) break;
      const known = count === 1 && kind === 0 && code === I32_CONST && closed === END;
      if (negative || !known) return "none";
      const weights = { name: "model.weights", offset, bytes };
      const added = ENCODER.encode(`"weights":${JSON.stringify(weights)},`);
      const own = joined(SAYS, added, said.subarray(SAYS.length));
      const rest = file.subarray(said.byteOffset - file.byteOffset + said.length, begin);
      const head = [file.subarray(0, 8), Uint8Array.of(CUSTOM, ...leb(own.length)), own, rest];
      return { code: joined(...head), start: at, offset, bytes };
    }
    at = end;
  }
  return undefined;
}

function leb(size: number): number[] {
  return size < 128 ? [size] : [(size & 127) | 128, ...leb(size >> 7)];
}

function joined(...parts: readonly Uint8Array[]): Bytes {
  const made = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/** What was read, and then the rest. */
function continued(read: Bytes, reader: ReadableStreamDefaultReader<Bytes>): ReadableStream<Bytes> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(read),
    async pull(controller) {
      const { value } = await reader.read();
      value ? controller.enqueue(value) : controller.close();
    },
  });
}
