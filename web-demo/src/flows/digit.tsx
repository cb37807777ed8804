/** A digit that one draws, read by a small convolution net. */
import { useEffect, useState } from "preact/hooks";
import type { EngineName, Subject, Tensors } from "../engines/engine";
import { numbers } from "../parts/agreement";
import { single, useBench } from "../parts/bench";
import { Ledger } from "../parts/ledger";
import { Profile } from "../parts/profile";
import { Save } from "../parts/save";
import { Pad } from "./pad";
import { digitOf, SIDE } from "./pen";

const SUBJECT: Subject = {
  key: "digits",
  name: "digits.onnx",
  onnx: new URL("models/digits.onnx", document.baseURI).href,
  module: new URL("models/digits.wasm", document.baseURI).href,
  shapes: { image: [1, 1, SIDE, SIDE] },
};

const DTYPES = { image: "float" };

interface Facts {
  readonly accuracy: number;
  readonly heldOut: number;
  /** One digit of each kind that training never saw. */
  readonly samples: readonly (readonly number[])[];
}

export function DigitFlow() {
  const bench = useBench<readonly number[]>();
  const [image, setImage] = useState<Float32Array<ArrayBuffer>>();
  const [emptied, setEmptied] = useState(0);
  const [facts, setFacts] = useState<Facts>();

  useEffect(() => {
    const address = new URL("models/digits.json", document.baseURI);
    const read = async () => setFacts(await (await fetch(address)).json());
    read().catch(() => {}); // the samples are missing then, and nothing else
  }, []);

  function run(names: readonly EngineName[], given = image) {
    if (!given) return;
    const feeds: Tensors = {
      image: { dtype: "float", shape: [1, 1, SIDE, SIDE], data: given },
    };
    bench.start(single(SUBJECT, feeds, chances, 150), names);
  }

  /** Every engine that has answered before answers anew; the first one always. */
  function take(given: Float32Array<ArrayBuffer> | undefined) {
    setImage(given);
    if (!given) return;
    const used = bench.rows.filter(({ engine, result }) => engine.name === "prebuilt" || result);
    run(
      used.map(({ engine }) => engine.name),
      given,
    );
  }

  const made = bench.row("compiled").result?.ready;
  return (
    <div class="flow">
      <section class="given" aria-labelledby="given-title">
        <h2 id="given-title">Draw a digit</h2>
        <div class="drawing">
          <Pad emptied={emptied} onDraw={(canvas) => take(digitOf(canvas))} />
          <figure class="seen">
            <Pixels values={image} />
            <figcaption>What the net sees: 8 × 8</figcaption>
          </figure>
        </div>
        <p class="buttons">
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setEmptied(emptied + 1);
              setImage(undefined);
              bench.clear();
            }}
          >
            Start over
          </button>
        </p>
        {facts && (
          <>
            <fieldset class="samples">
              <legend>Or take one of those that training never saw</legend>
              {facts.samples.map((sample, digit) => (
                <button
                  key={digit}
                  type="button"
                  aria-label={`A handwritten ${digit}`}
                  onClick={() => {
                    setEmptied(emptied + 1);
                    take(Float32Array.from(sample));
                  }}
                >
                  <Pixels values={sample} />
                </button>
              ))}
            </fieldset>
            <p class="hint">
              The net has two convolutions and was trained in NumPy on scikit-learn’s digits. Of{" "}
              {facts.heldOut} held out it reads {(100 * facts.accuracy).toFixed(1)} % right.
            </p>
          </>
        )}
      </section>
      <div class="found">
        <Ledger
          bench={bench}
          onRun={run}
          able={image !== undefined}
          show={(value) => <Chances chances={value} />}
        />
        <Profile bench={bench} />
        <Save saved={[{ subject: SUBJECT, ready: made }]} dtypes={DTYPES} />
      </div>
    </div>
  );
}

function chances(outputs: Tensors): readonly number[] {
  const { chances: found } = outputs;
  return found ? Array.from(numbers(found)) : [];
}

function Chances({ chances }: { readonly chances: readonly number[] }) {
  const best = chances.indexOf(Math.max(...chances));
  return (
    <div class="chances">
      <output aria-label="Digit">{best}</output>
      <span class="sure">{(100 * (chances[best] ?? 0)).toFixed(1)} % sure</span>
      <svg viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
        {chances.map((chance, digit) => (
          <rect
            key={digit}
            x={digit * 10 + 1.5}
            y={23 - 22 * chance}
            width="7"
            height={1 + 22 * chance}
          />
        ))}
      </svg>
    </div>
  );
}

function Pixels({ values }: { readonly values: ArrayLike<number> | undefined }) {
  return (
    <svg
      class="pixels"
      viewBox={`0 0 ${SIDE} ${SIDE}`}
      aria-hidden="true"
      shape-rendering="crispEdges"
    >
      {Array.from(values ?? [], (value, at) => (
        <rect
          key={at}
          x={at % SIDE}
          y={Math.floor(at / SIDE)}
          width="1"
          height="1"
          fill-opacity={value}
        />
      ))}
    </svg>
  );
}
