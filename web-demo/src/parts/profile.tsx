/** Where the time goes, by operator, as bars. */
import type { Share } from "../engines/engine";
import { milliseconds } from "./words";

const SHOWN = 8;

export function Profile({ shares }: { readonly shares: readonly Share[] | undefined }) {
  if (!shares?.length) return null;
  const total = shares.reduce((sum, share) => sum + share.milliseconds, 0);
  const rest = shares.slice(SHOWN);
  const shown = shares.slice(0, SHOWN);
  if (rest.length) {
    shown.push({
      operator: `${rest.length} more`,
      calls: rest.reduce((sum, share) => sum + share.calls, 0),
      milliseconds: rest.reduce((sum, share) => sum + share.milliseconds, 0),
    });
  }
  return (
    <section class="profile" aria-labelledby="profile-title">
      <h2 id="profile-title">Where NumPy’s time goes</h2>
      <table>
        <thead>
          <tr>
            <th scope="col">operator</th>
            <th scope="col">nodes</th>
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
              <td class="bar">
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
    </section>
  );
}
