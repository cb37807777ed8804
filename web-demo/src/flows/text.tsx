/** Text in a picture, read with PP-OCRv4. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { EngineName } from "../engines/engine";
import { type Networks, networks, Reader } from "../ocr/read";
import { useBench } from "../parts/bench";
import { Ledger } from "../parts/ledger";
import { Picker } from "../parts/picker";
import { Profile } from "../parts/profile";
import { Save } from "../parts/save";
import type { Line } from "../workers/reader.worker";

const SAMPLES = [
  { name: "report.png", title: "A weather report" },
  { name: "sign.png", title: "A sign" },
] as const;

/** Longer sides are scaled down to this before anything else: phones take pictures of 12 MP. */
const MOST_PIXELS = 2048;

const reader = new Reader();
let known: Promise<Networks> | undefined;

export function TextFlow() {
  const bench = useBench<readonly Line[]>();
  const [picture, setPicture] = useState<ImageData>();
  const [error, setError] = useState<string>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const times = useRef(0);

  useEffect(() => {
    if (picture) canvas.current?.getContext("2d")?.putImageData(picture, 0, 0);
  }, [picture]);
  useEffect(() => () => reader.stop(), []);

  function run(names: readonly EngineName[], given = picture) {
    if (!given) return;
    bench.start(async (engine, report) => {
      known ??= networks();
      const about = await known.catch((failure) => {
        known = undefined; // the next try asks again
        throw failure;
      });
      return await reader.read(given, about, engine, report);
    }, names);
  }

  async function take(file: Blob) {
    const round = ++times.current;
    bench.clear();
    setError(undefined);
    try {
      const opened = await pixelsOf(file);
      if (round !== times.current) return; // a newer picture was chosen while this one was decoded
      setPicture(opened);
      run(["prebuilt"], opened);
    } catch (failure) {
      if (round !== times.current) return;
      setPicture(undefined);
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  }

  async function sample(name: string) {
    setError(undefined);
    try {
      const response = await fetch(new URL(`models/${name}`, document.baseURI));
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      await take(await response.blob());
    } catch (failure) {
      const words = failure instanceof Error ? failure.message : String(failure);
      setError(`The picture could not be downloaded: ${words}. Try again.`);
    }
  }

  const lines = bench.rows.find(({ result }) => result)?.result?.value;
  return (
    <div class="flow">
      <section class="given" aria-labelledby="given-title">
        <h2 id="given-title">Open a picture with text</h2>
        <Picker accept="image/*" label="Choose a picture" hint="or drop one here" onFile={take} />
        <p class="hint">Or take one of ours:</p>
        <p class="buttons">
          {SAMPLES.map(({ name, title }) => (
            <button key={name} type="button" class="quiet" onClick={() => sample(name)}>
              {title}
            </button>
          ))}
        </p>
        {error && (
          <p class="error" role="alert">
            {error}
          </p>
        )}
        {picture && (
          <figure class="read">
            <canvas
              ref={canvas}
              width={picture.width}
              height={picture.height}
              role="img"
              aria-label="The picture"
            />
            {lines && <Boxes lines={lines} width={picture.width} height={picture.height} />}
          </figure>
        )}
      </section>
      <div class="found">
        <Ledger
          bench={bench}
          onRun={run}
          able={picture !== undefined}
          show={(value) => <Words lines={value} />}
        />
        <Profile bench={bench} />
        <Save saved={bench.row("compiled").result?.uses ?? []} dtypes={{ x: "float" }} />
      </div>
    </div>
  );
}

async function pixelsOf(file: Blob): Promise<ImageData> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("This file is no picture that the browser can read.");
  }
  const scale = Math.min(1, MOST_PIXELS / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * scale));
  const height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  if (!pen) throw new Error("This browser gives no canvas of that size.");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return pen.getImageData(0, 0, width, height);
}

interface BoxesProps {
  readonly lines: readonly Line[];
  readonly width: number;
  readonly height: number;
}

function Boxes({ lines, width, height }: BoxesProps) {
  return (
    <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      {lines.map(({ text, corners, turned }) => {
        const [first, second, , last] = corners;
        if (!first || !second || !last) return null;
        const [along, down] = [
          [second[0] - first[0], second[1] - first[1]],
          [last[0] - first[0], last[1] - first[1]],
        ] as const;
        const [long, high] = [Math.hypot(...along), Math.hypot(...down)];
        const angle = (Math.atan2(along[1], along[0]) * 180) / Math.PI;
        const [x, y] = [
          (first[0] + second[0]) / 2 + down[0] / 2,
          (first[1] + second[1]) / 2 + down[1] / 2,
        ];
        return (
          <g key={`${text} ${x} ${y}`} class={turned ? "turned" : ""}>
            <polygon points={corners.map((point) => point.join(",")).join(" ")} />
            <text
              transform={`translate(${x} ${y}) rotate(${turned ? angle + 180 : angle})`}
              font-size={0.66 * high}
              textLength={0.94 * long}
              lengthAdjust="spacingAndGlyphs"
              text-anchor="middle"
              dominant-baseline="central"
            >
              {text}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function Words({ lines }: { readonly lines: readonly Line[] }) {
  if (!lines.length) return <p>No text was found.</p>;
  return (
    <details class="words">
      <summary>
        {lines.length} {lines.length === 1 ? "line" : "lines"}: “{lines[0]?.text}”
      </summary>
      <ol>
        {lines.map(({ text, confidence }, at) => (
          <li key={`${at} ${text}`}>
            {text} <span>{(100 * confidence).toFixed(0)} %</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
