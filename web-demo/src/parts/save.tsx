/** The compiled module to take along, and how to run it elsewhere. */
import { useEffect, useState } from "preact/hooks";
import type { Ready, Subject } from "../engines/engine";

const ARRAYS: Readonly<Record<string, readonly [string, string]>> = {
  float: ["Float32Array", "float32"],
  double: ["Float64Array", "float64"],
  int64: ["BigInt64Array", "int64"],
  int32: ["Int32Array", "int32"],
  uint8: ["Uint8Array", "uint8"],
  bool: ["Uint8Array", "bool"],
};

interface SaveProps {
  readonly subject: Subject;
  readonly dtypes: Readonly<Record<string, string>>;
  readonly ready: Ready | undefined;
}

export function Save({ subject, dtypes, ready }: SaveProps) {
  const module = useAddress(ready?.module) ?? subject.module;
  const plain = useAddress(ready?.plain) ?? subject.module?.replace(/\.wasm$/, ".plain.wasm");
  if (!module) return null;
  const stem = subject.name.replace(/\.onnx$/, "");
  return (
    <section class="save" aria-labelledby="save-title">
      <h2 id="save-title">Take it along</h2>
      <p>
        One file, code and weights, that runs without this page. The second is for engines without
        relaxed SIMD.
      </p>
      <p class="buttons">
        <a class="button" href={module} download={`${stem}.wasm`}>
          Save {stem}.wasm
        </a>
        {plain && (
          <a class="button quiet" href={plain} download={`${stem}.plain.wasm`}>
            {stem}.plain.wasm
          </a>
        )}
      </p>
      <Snippet title="In a page" code={inPage(stem, subject, dtypes)} />
      <Snippet title="In Node" code={inNode(stem, subject, dtypes)} />
      <Snippet title="In Python" code={inPython(stem, subject, dtypes)} />
    </section>
  );
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

function feeds(subject: Subject, dtypes: SaveProps["dtypes"]): string {
  const parts = Object.entries(subject.shapes).map(([name, shape]) => {
    const [array] = ARRAYS[dtypes[name] ?? "float"] ?? ["Float32Array"];
    return `${JSON.stringify(name)}: new ${array}(${shape.join(" * ") || 1})`;
  });
  return `{ ${parts.join(", ")} }`;
}

function inPage(stem: string, subject: Subject, dtypes: SaveProps["dtypes"]): string {
  return `<script type="module">
  import { load } from "./likewise-runtime/index.js";

  const model = await load("${stem}.wasm", { fallback: "${stem}.plain.wasm" });
  console.log(model.run(${feeds(subject, dtypes)}));
</script>`;
}

function inNode(stem: string, subject: Subject, dtypes: SaveProps["dtypes"]): string {
  return `import { load } from "likewise-runtime"; // npm install likewise-runtime

const model = await load("./${stem}.wasm", { fallback: "./${stem}.plain.wasm" });
console.log(model.run(${feeds(subject, dtypes)}));`;
}

function inPython(stem: string, subject: Subject, dtypes: SaveProps["dtypes"]): string {
  const parts = Object.entries(subject.shapes).map(([name, shape]) => {
    const [, dtype] = ARRAYS[dtypes[name] ?? "float"] ?? ["", dtypes[name]];
    return `    ${JSON.stringify(name)}: np.zeros((${shape.map((size) => `${size},`).join(" ")}), "${dtype}"),`;
  });
  return `import numpy as np
from likewise.targets.wasm import load  # pip install 'likewise[wasm]'

model = load("${stem}.wasm")
print(model.run({
${parts.join("\n")}
}))`;
}
