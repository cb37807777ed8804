/** The compiled module to take along, and how to run it elsewhere. */
import { useEffect, useState } from "preact/hooks";
import type { Ready, Subject } from "../engines/engine";

const ARRAYS: Readonly<Record<string, readonly [string, string]>> = {
  float: ["Float32Array", "float32"],
  double: ["Float64Array", "float64"],
  float16: ["Uint16Array", "float16"],
  bfloat16: ["Uint16Array", "bfloat16"],
  int64: ["BigInt64Array", "int64"],
  int32: ["Int32Array", "int32"],
  int16: ["Int16Array", "int16"],
  int8: ["Int8Array", "int8"],
  uint64: ["BigUint64Array", "uint64"],
  uint32: ["Uint32Array", "uint32"],
  uint16: ["Uint16Array", "uint16"],
  uint8: ["Uint8Array", "uint8"],
  bool: ["Uint8Array", "bool"],
};

/** A compiled module: made here, or beforehand at the address that `subject` says. */
export interface Saved {
  readonly subject: Subject;
  readonly ready: Ready | undefined;
}

type DTypes = Readonly<Record<string, string>>;

interface SaveProps {
  readonly saved: readonly Saved[];
  readonly dtypes: DTypes;
}

export function Save({ saved, dtypes }: SaveProps) {
  const whole = saved.filter(
    ({ subject, ready }) => ready?.module ?? (subject.module && !subject.weights),
  );
  const [first] = whole;
  if (!first) return null;
  const stem = stemOf(first.subject);
  return (
    <section class="save" aria-labelledby="save-title">
      <h2 id="save-title">Take it along</h2>
      <p>
        One file holds the code and the weights, and runs without this page. Its plain twin is for
        engines without relaxed SIMD.
      </p>
      {whole.map((one) => (
        <Files key={one.subject.key} {...one} />
      ))}
      <Snippet title="In a page" code={inPage(stem, first.subject, dtypes)} />
      <Snippet title="In Node" code={inNode(stem, first.subject, dtypes)} />
      <Snippet title="In Python" code={inPython(stem, first.subject, dtypes)} />
    </section>
  );
}

function Files({ subject, ready }: Saved) {
  const module = useAddress(ready?.module) ?? subject.module;
  const plain = useAddress(ready?.plain) ?? subject.module?.replace(/\.wasm$/, ".plain.wasm");
  const stem = stemOf(subject);
  return (
    <p class="buttons">
      <a class="button" href={module} download={`${stem}.wasm`}>
        Save {stem}.wasm
      </a>
      {plain && (
        <a
          class="button quiet"
          href={plain}
          download={`${stem}.plain.wasm`}
          aria-label={`Plain twin of ${stem}.wasm`}
        >
          Plain twin
        </a>
      )}
    </p>
  );
}

function stemOf({ name, file }: Subject): string {
  return file ?? name.replace(/\.onnx$/, "");
}

function Snippet({ title, code }: { readonly title: string; readonly code: string }) {
  return (
    <details>
      <summary>{title}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </details>
  );
}

function useAddress(content: Uint8Array<ArrayBuffer> | undefined): string | undefined {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!content) return setAddress(undefined);
    const made = URL.createObjectURL(new Blob([content], { type: "application/wasm" }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [content]);
  return address;
}

function feeds(subject: Subject, dtypes: DTypes): string {
  const parts = Object.entries(subject.shapes).map(([name, shape]) => {
    const [array] = ARRAYS[dtypes[name] ?? "float"] ?? ["Float32Array"];
    return `  ${JSON.stringify(name)}: new ${array}(${shape.join(" * ") || 1}),`;
  });
  return `{\n${parts.join("\n")}\n}`;
}

function inPage(stem: string, subject: Subject, dtypes: DTypes): string {
  return `<script type="module">
  import { load } from "./likewise-runtime/index.js";

  const model = await load("${stem}.wasm", {
    fallback: "${stem}.plain.wasm",
  });
  const outputs = model.run(${feeds(subject, dtypes).replaceAll("\n", "\n  ")});
  console.log(outputs);
</script>`;
}

function inNode(stem: string, subject: Subject, dtypes: DTypes): string {
  return `// npm install likewise-runtime
import { load } from "likewise-runtime";

const model = await load("./${stem}.wasm", {
  fallback: "./${stem}.plain.wasm",
});
const outputs = model.run(${feeds(subject, dtypes)});
console.log(outputs);`;
}

function inPython(stem: string, subject: Subject, dtypes: DTypes): string {
  const parts = Object.entries(subject.shapes).map(([name, shape]) => {
    const [, dtype] = ARRAYS[dtypes[name] ?? "float"] ?? ["", dtypes[name]];
    return `    ${JSON.stringify(name)}: np.zeros([${shape.join(", ")}], "${dtype}"),`;
  });
  return `# pip install 'likewise[wasm]'
import numpy as np
from likewise.targets.wasm import load

model = load("${stem}.wasm")
outputs = model.run({
${parts.join("\n")}
})
print(outputs)`;
}
