/** Another size for a picture; when it shrinks, every pixel counts (bicubic, as Pillow does it). */
import type { Picture } from "./geometry";

interface Tap {
  readonly first: number;
  readonly weights: readonly number[];
}

export function resize(picture: Picture, width: number, height: number): Picture {
  const { width: from, height: rows, data } = picture;
  if (width === from && height === rows) return picture;
  const level = new Uint8ClampedArray(3 * width * rows);
  spread(data, level, taps(from, width), rows, [3 * from, 3], [3 * width, 3]);
  const made = new Uint8ClampedArray(3 * width * height);
  spread(level, made, taps(rows, height), width, [3, 3 * width], [3, 3 * width]);
  return { width, height, data: made };
}

/** What each new pixel takes of the old ones: a cubic of a = -0.5, widened where they shrink. */
function taps(from: number, to: number): readonly Tap[] {
  const scale = from / to;
  const wide = Math.max(scale, 1);
  return Array.from({ length: to }, (_, at) => {
    const centre = (at + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - 2 * wide + 0.5));
    const end = Math.min(from, Math.floor(centre + 2 * wide + 0.5));
    const raw = Array.from({ length: end - first }, (_, near) =>
      cubic((first + near - centre + 0.5) / wide),
    );
    const sum = raw.reduce((one, other) => one + other, 0);
    return { first, weights: raw.map((weight) => weight / sum) };
  });
}

function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** Along one axis, for each of `lines`; steps are [from line to line, from pixel to pixel]. */
function spread(
  from: ArrayLike<number>,
  to: Uint8ClampedArray,
  all: readonly Tap[],
  lines: number,
  [fromLine, fromStep]: readonly [number, number],
  [toLine, toStep]: readonly [number, number],
): void {
  for (let line = 0; line < lines; line++) {
    for (const [at, { first, weights }] of all.entries()) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        let place = line * fromLine + first * fromStep + channel;
        for (const weight of weights) {
          sum += weight * (from[place] as number);
          place += fromStep;
        }
        to[line * toLine + at * toStep + channel] = Math.floor(sum + 0.5);
      }
    }
  }
}
