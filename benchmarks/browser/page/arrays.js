// Arrays: fetched, and held against each other.

const ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array };

/** The inputs that `spec` lists, `{name, dtype, shape, url}`, with their `data`. */
export function fetchFeeds(spec) {
  return Promise.all(
    spec.map(async ({ url, ...feed }) => {
      const bytes = await (await fetch(url)).arrayBuffer();
      return { ...feed, data: new ARRAYS[feed.dtype](bytes) };
    }),
  );
}

/**
 * The largest difference of any output, relative to that output's largest value. Infinite where
 * outputs are missing, of another length, not finite, or all zero, which would prove nothing.
 */
export function apart(made, expected) {
  let worst = 0;
  for (const [name, reference] of Object.entries(expected)) {
    const output = made[name];
    if (output?.length !== reference.length) return Number.POSITIVE_INFINITY;
    let difference = 0;
    let scale = 0;
    for (let at = 0; at < reference.length; at++) {
      const value = Number(reference[at]);
      const off = Math.abs(Number(output[at]) - value);
      if (!Number.isFinite(off)) return Number.POSITIVE_INFINITY;
      difference = Math.max(difference, off);
      scale = Math.max(scale, Math.abs(value));
    }
    worst = Math.max(worst, scale ? difference / scale : Number.POSITIVE_INFINITY);
  }
  return worst;
}
