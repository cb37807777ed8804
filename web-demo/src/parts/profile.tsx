/** Where the time goes, as bars: in NumPy by operator, in compiled code by kernel. */
import type { Share } from "../engines/engine";
import type { Bench } from "./bench";
import { Working } from "./ledger";
import { milliseconds } from "./words";

const SHOWN = 8;

export function Profile<T>({ bench }: { readonly bench: Bench<T> }) {
  const numpy = bench.row("numpy").result?.profile;
  const compiled = bench.row("compiled").result ?? bench.row("prebuilt").result;
  if (!numpy?.length && !compiled) return null;
  const { working, shares, error } = bench.kernels;
  return (
    <section class="profile" aria-labelledby="profile-title">
      <h2 id="profile-title">Where the time goes</h2>
      {compiled && (
        <>
          {shares && (
            <Chart
              title="In compiled code, by kernel"
              first="kernel"
              count="calls"
              shares={shares}
            />
          )}
          <p class="hint">
            {shares
              ? "Measured on a second build of the same kernels, which can be called one by one. An activation runs inside the kernel before it."
              : "Compiled modules carry no timers. A second build, made here in the page, has kernels that can be called one by one."}
          </p>
          {working && <Working {...working} />}
          {error && <p class="error">{error}</p>}
          <p class="buttons">
            {working ? (
              <button type="button" class="quiet" onClick={() => bench.stop()}>
                Stop
              </button>
            ) : (
              <button
                type="button"
                class="quiet"
                disabled={bench.busy}
                onClick={() => bench.timeKernels(compiled.uses)}
              >
                {shares ? "Time the kernels again" : "Time the kernels"}
              </button>
            )}
          </p>
        </>
      )}
      {numpy?.length ? (
        <Chart title="In NumPy, by operator" first="operator" count="nodes" shares={numpy} />
      ) : null}
    </section>
  );
}

interface ChartProps {
  readonly title: string;
  /** The heads of the first two columns. */
  readonly first: string;
  readonly count: string;
  readonly shares: readonly Share[];
}

function Chart({ title, first, count, shares }: ChartProps) {
  const total = shares.reduce((sum, share) => sum + share.milliseconds, 0);
  const most = shares.length === SHOWN + 1 ? shares.length : SHOWN; // no line for one more
  const rest = shares.slice(most);
  const shown = shares.slice(0, most);
  if (rest.length) {
    shown.push({
      operator: `${rest.length} more`,
      calls: rest.reduce((sum, share) => sum + share.calls, 0),
      milliseconds: rest.reduce((sum, share) => sum + share.milliseconds, 0),
    });
  }
  return (
    <table class="chart">
      <caption>{title}</caption>
      <thead>
        <tr>
          <th scope="col">{first}</th>
          <th scope="col">{count}</th>
          <th scope="col">time</th>
          <th scope="col">
            <span class="unseen">share</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {shown.map(({ operator, calls, milliseconds: spent }) => (
          <tr key={operator}>
            <th scope="row">{operator}</th>
            <td>{calls}</td>
            <td>{milliseconds(spent)}</td>
            <td>
              <meter
                min={0}
                max={total}
                value={spent}
                aria-label={`${Math.round((100 * spent) / total)} % of the time`}
              />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
