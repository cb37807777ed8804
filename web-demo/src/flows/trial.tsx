/** A run of any model: its inputs, and every engine's answer. */
import { useState } from "preact/hooks";
import { python } from "../engines/all";
import type { EngineName, Subject, Tensor, Tensors } from "../engines/engine";
import type { ModelFacts, PortFacts } from "../engines/python";
import { numbers } from "../parts/agreement";
import { single, useBench } from "../parts/bench";
import { Ledger } from "../parts/ledger";
import { Profile } from "../parts/profile";
import { Save } from "../parts/save";
import { fromNpy, fromPicture, proposed, takesPicture, typeOf, unnamed } from "./feeds";

interface TrialProps {
  readonly subject: Subject;
  readonly facts: ModelFacts;
}

const NO_MODULE = "There is none for this model: it was not there when the page was built.";

export function Trial({ subject: given, facts }: TrialProps) {
  const bench = useBench<Tensors>(given.module ? {} : { prebuilt: NO_MODULE });
  const [shapes, setShapes] = useState<Subject["shapes"]>(() => ({
    ...Object.fromEntries(facts.inputs.map((port) => [port.name, proposed(port)])),
    ...given.shapes,
  }));
  const [files, setFiles] = useState<Readonly<Record<string, Tensor | File>>>({});
  const [seed, setSeed] = useState(0);
  const [error, setError] = useState<string>();

  const subject = { ...given, shapes, key: `${given.key} ${JSON.stringify(shapes)}` };
  const dtypes = Object.fromEntries(facts.inputs.map(({ name, dtype }) => [name, dtype]));

  function run(names: readonly EngineName[]) {
    bench.start(async (engine, report) => {
      const feeds: Record<string, Tensor> = {};
      const drawn = facts.inputs.some(({ name }) => !(name in files));
      if (drawn) Object.assign(feeds, await python.draw(subject, seed, report));
      for (const [name, file] of Object.entries(files)) {
        feeds[name] =
          file instanceof File
            ? await fromPicture(file, dtypes[name] ?? "float", shapes[name] ?? [])
            : file;
      }
      return await single(subject, feeds, (outputs) => outputs)(engine, report);
    }, names);
  }

  async function take(port: PortFacts, file: File) {
    setError(undefined);
    bench.clear();
    try {
      if (file.name.endsWith(".npy")) {
        const tensor = await fromNpy(file, port);
        setShapes({ ...shapes, [port.name]: tensor.shape });
        setFiles({ ...files, [port.name]: tensor });
      } else {
        if (!takesPicture(port)) throw new Error(`The input \`${port.name}\` takes no picture.`);
        await fromPicture(file, port.dtype, shapes[port.name] ?? []); // says now if it is none
        setFiles({ ...files, [port.name]: file });
      }
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  }

  function resize(name: string, axis: number, size: number) {
    bench.clear();
    const shape = (shapes[name] ?? []).map((old, place) => (place === axis ? size : old));
    setShapes({ ...shapes, [name]: shape });
    setFiles(
      Object.fromEntries(
        Object.entries(files).filter(([one, file]) => one !== name || file instanceof File),
      ),
    );
  }

  const valid = Object.values(shapes).every((shape) => shape.every((size) => size > 0));
  return (
    <div class="found">
      <section class="inputs" aria-labelledby="inputs-title">
        <h2 id="inputs-title">Inputs</h2>
        {facts.inputs.map((port) => (
          <InputRow
            key={port.name}
            port={port}
            shape={shapes[port.name] ?? []}
            file={files[port.name]}
            onFile={(file) => take(port, file)}
            onResize={(axis, size) => resize(port.name, axis, size)}
          />
        ))}
        <p class="seed">
          <label>
            Seed of the random inputs{" "}
            <input
              type="number"
              min="0"
              value={seed}
              onInput={(event) => {
                bench.clear();
                setSeed(Math.max(0, Math.floor(event.currentTarget.valueAsNumber || 0)));
              }}
            />
          </label>
        </p>
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
      </section>
      <Ledger
        bench={bench}
        onRun={run}
        able={valid}
        show={(value) => <Outputs outputs={value} />}
      />
      <Profile bench={bench} />
      <Save saved={[{ subject, ready: bench.row("compiled").result?.ready }]} dtypes={dtypes} />
    </div>
  );
}

interface InputProps {
  readonly port: PortFacts;
  readonly shape: readonly number[];
  readonly file: Tensor | File | undefined;
  readonly onFile: (file: File) => void;
  readonly onResize: (axis: number, size: number) => void;
}

function InputRow({ port, shape, file, onFile, onResize }: InputProps) {
  const picture = takesPicture(port);
  const source = file instanceof File ? file.name : file ? "from a NumPy file" : "drawn at random";
  const other = picture ? "Take a .npy file or a picture" : "Take a .npy file";
  return (
    <fieldset class="input">
      <legend>
        {port.name} <span class="type">{typeOf(port.dtype, shape)}</span>
      </legend>
      {port.dims.map((dim, axis) =>
        typeof dim === "string" ? (
          <label key={dim + String(axis)}>
            {unnamed(dim) ? `axis ${axis}` : dim}{" "}
            <input
              type="number"
              min="1"
              value={shape[axis]}
              onInput={(event) =>
                onResize(axis, Math.floor(event.currentTarget.valueAsNumber || 0))
              }
            />
          </label>
        ) : null,
      )}
      <span class="source">{source}</span>
      <label class="file button quiet">
        {other}
        <input
          class="unseen"
          type="file"
          accept={picture ? ".npy,image/*" : ".npy"}
          onChange={(event) => {
            const chosen = event.currentTarget.files?.[0];
            if (chosen) onFile(chosen);
            event.currentTarget.value = "";
          }}
        />
      </label>
    </fieldset>
  );
}

function Outputs({ outputs }: { readonly outputs: Tensors }) {
  return (
    <ul class="outputs">
      {Object.entries(outputs).map(([name, tensor]) => {
        const first = Array.from(numbers({ ...tensor, data: tensor.data.slice(0, 6) }));
        const more = tensor.data.length > first.length ? " …" : "";
        return (
          <li key={name}>
            <span class="type">
              {name} {typeOf(tensor.dtype, tensor.shape)}
            </span>
            <code>
              {first.map((value) => Number(value.toPrecision(4))).join("  ")}
              {more}
            </code>
          </li>
        );
      })}
    </ul>
  );
}
