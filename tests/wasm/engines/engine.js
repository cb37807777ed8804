// Runs the modules that tests/wasm/engines.py packs, in whatever engine imports this.

const WIDTHS = { float16: [0x7c00, 0x03ff, 0x7e00], bfloat16: [0x7f80, 0x007f, 0x7fc0] };

/** The elements with every NaN as the same one: engines are free in its sign and payload. */
function canonical(array, dtype) {
  if (dtype === "float" || dtype === "double") {
    return array.map((value) => (Number.isNaN(value) ? Number.NaN : value));
  }
  if (!WIDTHS[dtype]) return array;
  const [exponent, fraction, nan] = WIDTHS[dtype];
  const isNaN = (bits) => (bits & exponent) === exponent && bits & fraction;
  return array.map((bits) => (isNaN(bits) ? nan : bits));
}

/** What can be told of an output; `content` is all of it. */
const SHOWN = { digest, content };

async function digest(array, { dtype }) {
  const hash = await crypto.subtle.digest("SHA-256", canonical(array, dtype));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function content(array, { dtype, shape }) {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { dtype, shape, bytes: btoa(text) };
}

async function runCase(load, show, bytes, { module, feeds }) {
  const part = ([start, length]) => bytes.slice(start, start + length);
  const model = await load(part(module), { threads: 2 });
  const arrays = model.inputs.map((port) => {
    const { constructor } = model.inputView(port.name);
    return [port.name, new constructor(part(feeds[port.name]))];
  });
  const outputs = model.run(Object.fromEntries(arrays));
  const found = {};
  for (const { name, dtype } of model.outputs) {
    found[name] = await show(outputs[name], { dtype, shape: model.outputShape(name) });
  }
  model.dispose();
  return found;
}

/** What is `shown` by output by case, or the error's text; `read` gives a file's bytes. */
export async function runAll({ load, hasRelaxedSimd }, read, shown = "digest") {
  const index = JSON.parse(new TextDecoder().decode(await read("index.json")));
  const results = {};
  for (const { file, cases } of index) {
    const bytes = await read(file);
    for (const one of cases) {
      try {
        results[one.name] = await runCase(load, SHOWN[shown], bytes, one);
      } catch (error) {
        results[one.name] = String(error);
      }
    }
  }
  return { relaxed: hasRelaxedSimd(), results };
}
