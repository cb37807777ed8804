/** Strips of text: which stand on their heads, what they say, and in which order they are read. */
import { normalised } from "./detect";
import type { Picture, Rectangle } from "./geometry";
import { resize } from "./resize";

export const HEIGHT = 48;
export const DIRECTION_WIDTH = 192;
/** How sure the direction network must be before a strip is turned. */
const TURN_THRESHOLD = 0.9;
const BLANK = 0;

export interface Text {
  readonly text: string;
  readonly confidence: number;
}

/** A strip as the networks want it: scaled to the height, then squeezed or padded with grey. */
export function stripInput(strip: Picture, width: number): Float32Array<ArrayBuffer> {
  const columns = Math.min(width, Math.ceil((HEIGHT * strip.width) / strip.height));
  return normalised(resize(strip, columns, HEIGHT), { width, height: HEIGHT });
}

/** The narrowest of `widths` that a strip fits; the widest where none does. */
export function widthFor(strip: Picture, widths: readonly number[]): number {
  const needed = Math.ceil((HEIGHT * strip.width) / strip.height);
  return widths.find((width) => width >= needed) ?? Math.max(...widths);
}

/** A strip in pieces of the shape that the direction network is made for. */
export function pieces({ width, height, data }: Picture): Picture[] {
  const count = Math.max(1, Math.round((width * HEIGHT) / (height * DIRECTION_WIDTH)));
  let left = 0;
  return Array.from({ length: count }, (_, at) => {
    const wide = Math.floor(width / count) + (at < width % count ? 1 : 0);
    const made = new Uint8Array(3 * wide * height);
    for (let row = 0; row < height; row++) {
      const from = 3 * (row * width + left);
      made.set(data.subarray(from, from + 3 * wide), 3 * row * wide);
    }
    left += wide;
    return { width: wide, height, data: made };
  });
}

/** Whether a strip has to be turned, from the second chance of each of its pieces. */
export function upsideDown(chances: readonly number[]): boolean {
  const mean = chances.reduce((sum, one) => sum + one, 0) / chances.length;
  return mean > TURN_THRESHOLD;
}

/** The likeliest class at each step; repetitions are one character, blanks none. */
export function decode(
  chances: Float32Array,
  classes: readonly string[],
): Text & { readonly best: Float32Array<ArrayBuffer> } {
  const steps = chances.length / classes.length;
  const best = new Float32Array(steps);
  let [text, sum, count, last] = ["", 0, 0, -1];
  for (let step = 0; step < steps; step++) {
    let index = 0;
    const from = step * classes.length;
    for (let at = 1; at < classes.length; at++) {
      if ((chances[from + at] as number) > (chances[from + index] as number)) index = at;
    }
    best[step] = chances[from + index] as number;
    if (index !== BLANK && index !== last) {
      text += classes[index];
      sum += best[step] as number;
      count++;
    }
    last = index;
  }
  return { text: text.trim(), confidence: count ? sum / count : 0, best };
}

/** The numbers of the places from the top to the bottom of the page, as its text runs. */
export function readingOrder(places: readonly Rectangle[], turned: readonly boolean[]): number[] {
  let [x, y] = [0, 0];
  for (const [at, { width, angle }] of places.entries()) {
    const length = turned[at] ? -width : width;
    x += Math.cos(angle) * length;
    y += Math.sin(angle) * length;
  }
  const length = Math.max(Math.hypot(x, y), 1e-9);
  const [cosine, sine] = [x / length, y / length];
  const along = places.map((place) => place.x * cosine + place.y * sine);
  const down = places.map((place) => place.y * cosine - place.x * sine);
  const by = (values: readonly number[]) => (a: number, b: number) =>
    (values[a] as number) - (values[b] as number);
  const ordered: number[] = [];
  let line: number[] = [];
  for (const index of places.map((_, at) => at).sort(by(down))) {
    const last = line.at(-1);
    if (last !== undefined) {
      const height = Math.min(
        (places[index] as Rectangle).height,
        (places[last] as Rectangle).height,
      );
      if ((down[index] as number) - (down[last] as number) > height / 2) {
        ordered.push(...line.sort(by(along)));
        line = [];
      }
    }
    line.push(index);
  }
  return [...ordered, ...line.sort(by(along))];
}
