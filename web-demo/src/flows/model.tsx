/** Any model: what it is, and its answer on every engine. */
import { useRef, useState } from "preact/hooks";
import { python } from "../engines/all";
import type { Subject } from "../engines/engine";
import type { ModelFacts } from "../engines/python";
import { Working } from "../parts/ledger";
import { Picker } from "../parts/picker";
import { bytes, count } from "../parts/words";
import { Cancelled, type Progress } from "../workers/call";
import { typeOf } from "./feeds";
import { Trial } from "./trial";

/** Python in the browser has 2 GB at most, and holds a model several times while it compiles. */
const MOST_BYTES = 300e6;

const at = (name: string) => new URL(`models/${name}`, document.baseURI).href;

interface Sample {
  readonly name: string;
  readonly title: string;
  readonly module: string;
  readonly weights?: string;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

const SAMPLES: readonly Sample[] = [
  {
    name: "digits.onnx",
    title: "The digits’ net",
    module: "digits.wasm",
    shapes: { image: [1, 1, 8, 8] },
  },
  {
    name: "ppocr_cls.onnx",
    title: "Which way up is a line of text?",
    module: "ppocr_cls-48x192.wasm",
    weights: "ppocr_cls.weights",
    shapes: { x: [1, 3, 48, 192] },
  },
];

interface Opened {
  readonly subject: Subject;
  readonly facts: ModelFacts;
}

export function ModelFlow() {
  const [working, setWorking] = useState<Progress>();
  const [opened, setOpened] = useState<Opened>();
  const [error, setError] = useState<string>();
  const times = useRef(0);

  async function open(name: string, onnx: Subject["onnx"], sample?: Sample) {
    const round = ++times.current;
    const now = () => round === times.current;
    setOpened(undefined);
    setError(undefined);
    setWorking({ step: "Reading the model" });
    const subject: Subject = {
      key: `${name} ${round}`,
      name,
      onnx,
      module: sample && at(sample.module),
      weights: sample?.weights && at(sample.weights),
      shapes: sample?.shapes ?? {},
    };
    try {
      const facts = await python.inspect(subject, (progress) => now() && setWorking(progress));
      if (now()) setOpened({ subject, facts });
    } catch (failure) {
      if (now() && !(failure instanceof Cancelled)) setError(wordsOf(failure));
    }
    if (now()) setWorking(undefined);
  }

  async function take(file: File) {
    if (file.size > MOST_BYTES) {
      setOpened(undefined);
      setError(
        `${file.name} is ${bytes(file.size)}: a browser holds models up to ${bytes(MOST_BYTES)}. ` +
          "`likewise compile` on the command line takes larger ones.",
      );
      return;
    }
    await open(file.name, new Uint8Array(await file.arrayBuffer()));
  }

  function stop() {
    times.current++;
    python.stop();
    setWorking(undefined);
    setError("Stopped.");
  }

  return (
    <div class={opened ? "flow" : "flow single"}>
      <section class="given" aria-labelledby="given-title">
        <h2 id="given-title">Open a model</h2>
        <Picker accept=".onnx" label="Choose an .onnx file" hint="or drop one here" onFile={take} />
        <p class="hint">Or take one of ours:</p>
        <p class="buttons">
          {SAMPLES.map((sample) => (
            <button
              key={sample.name}
              type="button"
              class="quiet"
              disabled={working !== undefined}
              onClick={() => open(sample.name, at(sample.name), sample)}
            >
              {sample.title}
            </button>
          ))}
        </p>
        <p class="hint">
          To read a model the page loads Python, NumPy and likewise: some 20 MB, from its own
          server, once.
        </p>
        {working && (
          <>
            <Working {...working} />
            <p class="buttons">
              <button type="button" class="quiet" onClick={stop}>
                Stop
              </button>
            </p>
          </>
        )}
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        {opened && <Facts name={opened.subject.name} facts={opened.facts} />}
      </section>
      {opened && <Trial key={opened.subject.key} subject={opened.subject} facts={opened.facts} />}
    </div>
  );
}

function wordsOf(failure: unknown): string {
  return failure instanceof Error ? failure.message : String(failure);
}

function Facts({ name, facts }: { readonly name: string; readonly facts: ModelFacts }) {
  const { inputs, outputs, operators } = facts;
  const opsets = Object.entries(facts.opsets).map(([domain, version]) => `${domain} ${version}`);
  return (
    <>
      <h2>{name}</h2>
      <dl class="facts">
        <dt>size</dt>
        <dd>{bytes(facts.bytes)}</dd>
        <dt>parameters</dt>
        <dd>{count(facts.parameters)}</dd>
        <dt>operations a run</dt>
        <dd>{facts.flops === undefined ? "depends on the sizes" : count(facts.flops)}</dd>
        <dt>opsets</dt>
        <dd>{opsets.join(", ")}</dd>
        {facts.producer && (
          <>
            <dt>made by</dt>
            <dd>{facts.producer}</dd>
          </>
        )}
      </dl>
      <table class="signature">
        <caption>Signature</caption>
        <thead>
          <tr>
            <th scope="col">port</th>
            <th scope="col">name</th>
            <th scope="col">type</th>
          </tr>
        </thead>
        <tbody>
          {[
            ...inputs.map((port) => ["in", port] as const),
            ...outputs.map((port) => ["out", port] as const),
          ].map(([side, port]) => (
            <tr key={`${side} ${port.name}`}>
              <td>{side}</td>
              <th scope="row">{port.name}</th>
              <td class="type">{typeOf(port.dtype, port.dims)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>Operators</h3>
      <ul class="operators">
        {operators.map((operator) => (
          <li key={operator.name}>
            {operator.name} <span>{operator.count}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
