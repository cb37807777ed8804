/** The engines one under the other: what each does, its answer, its figures, and whether they agree. */
import type { ComponentChildren } from "preact";
import { TITLES } from "../engines/all";
import type { EngineName } from "../engines/engine";
import { type Agreement, compare } from "./agreement";
import type { Bench, Row } from "./bench";
import { bytes, exponent, milliseconds } from "./words";

interface LedgerProps<T> {
  readonly bench: Bench<T>;
  readonly onRun: (names: readonly EngineName[]) => void;
  /** False while there is nothing to run on. */
  readonly able: boolean;
  readonly show: (value: T) => ComponentChildren;
}

export function Ledger<T>({ bench, onRun, able, show }: LedgerProps<T>) {
  const open = bench.rows.filter(({ barred }) => !barred).map(({ engine }) => engine.name);
  const slowest = Math.max(...bench.rows.map(({ result }) => result?.milliseconds ?? 0));
  return (
    <section class="ledger" aria-label="Engines">
      <ol>
        {bench.rows.map((row) => (
          <EngineRow key={row.engine.name} {...{ row, bench, onRun, able, show, slowest }} />
        ))}
      </ol>
      <div class="verdict">
        <Verdict rows={bench.rows} able={able} />
        {bench.busy ? (
          <button type="button" class="quiet" onClick={() => bench.stop()}>
            Stop
          </button>
        ) : (
          <button type="button" class="main" disabled={!able} onClick={() => onRun(open)}>
            Run on every engine
          </button>
        )}
      </div>
    </section>
  );
}

interface RowProps<T> extends LedgerProps<T> {
  readonly row: Row<T>;
  readonly slowest: number;
}

function EngineRow<T>({ row, bench, onRun, able, show, slowest }: RowProps<T>) {
  const { engine, barred, working, result, error } = row;
  const [title, what] = TITLES[engine.name];
  const state = working ? "working" : error ? "failed" : result ? "answered" : "idle";
  return (
    <li class="engine" data-engine={engine.name} data-state={barred ? "barred" : state}>
      <div class="head">
        <h3>{title}</h3>
        <button
          type="button"
          class="quiet"
          disabled={!able || bench.busy || barred !== undefined}
          onClick={() => onRun([engine.name])}
          aria-label={`Run: ${title}`}
        >
          Run
        </button>
      </div>
      <p class="what">{barred ?? what}</p>
      {working && <Working {...working} />}
      {error && <p class="error">{error}</p>}
      {result && (
        <>
          <div class="answer">{show(result.value)}</div>
          <meter
            class="time"
            min={0}
            max={slowest}
            value={result.milliseconds}
            aria-label={`Time of ${title}`}
          />
          <dl class="figures">
            <Figure name="a run" value={milliseconds(result.milliseconds)} />
            <Figure name="until ready" value={milliseconds(result.ready.seconds * 1000)} />
            <Figure name="memory" value={bytes(result.ready.memoryBytes)} />
            <Figure
              name="downloaded"
              value={bytes(result.ready.downloadedBytes + result.ready.pythonBytes)}
            />
          </dl>
        </>
      )}
    </li>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

export function Working({
  step,
  done,
  total,
}: {
  step: string;
  done?: number | undefined;
  total?: number | undefined;
}) {
  // A download that ended leaves the bar moving: something follows that cannot be counted.
  const known = done !== undefined && total !== undefined && done < total;
  const much = done !== undefined && total !== undefined && total > 4096;
  return (
    <div class="working">
      <progress aria-label={step} {...(known ? { value: done, max: total } : {})} />
      <span>
        {step}
        {much && ` · ${bytes(done)} of ${bytes(total)}`}
      </span>
    </div>
  );
}

interface VerdictProps<T> {
  readonly rows: readonly Row<T>[];
  readonly able: boolean;
}

function Verdict<T>({ rows, able }: VerdictProps<T>) {
  const answered = rows.filter(({ result, working }) => result && !working);
  const reference = answered.at(-1);
  let words = able
    ? `Run ${reference ? "a second engine" : "the engines"} to compare their answers.`
    : "There is nothing to run on yet.";
  let kind = "none";
  if (reference && answered.length > 1) {
    try {
      const found = answered.slice(0, -1).map(({ result }) => agreement(reference, result));
      const worst = found.reduce((a, b) => (b.worst > a.worst ? b : a));
      kind = worst.worst <= 1e-3 * Math.max(worst.scale, 1e-30) ? "agree" : "differ";
      words = sentence(kind === "agree", answered.length, worst);
    } catch (error) {
      kind = "differ";
      words = error instanceof Error ? error.message : String(error);
    }
  }
  return (
    <p class="agreement" role="status" data-kind={kind}>
      <span class="mark" aria-hidden="true">
        {kind === "differ" ? "≢" : "≡"}
      </span>
      {words}
    </p>
  );
}

function agreement<T>(reference: Row<T>, found: Row<T>["result"]): Agreement {
  return compare(reference.result?.outputs ?? {}, found?.outputs ?? {});
}

function sentence(agree: boolean, count: number, { worst, output, scale }: Agreement): string {
  const engines = count === 3 ? "All three engines" : "Both engines";
  if (worst === 0) return `${engines} agree: not one bit of any output differs.`;
  const far = `largest difference ${exponent(worst)} in “${output}”, whose values reach ${exponent(scale)}`;
  return agree ? `${engines} agree: ${far}.` : `The engines differ: ${far}.`;
}
