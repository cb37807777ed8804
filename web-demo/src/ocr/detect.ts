/**
 * Where on a picture there is text: cores of lines are regions of the network's map above a
 * threshold; a line's box is the smallest rectangle around its core, grown back to full size
 * (differentiable binarization, Liao et al. 2019, arXiv:1911.08947).
 */
import { outlines } from "./components";
import {
  corners,
  coverOf,
  grown,
  type Picture,
  type Rectangle,
  scaled,
  smallestRectangle,
} from "./geometry";
import { resize } from "./resize";

const PIXEL_THRESHOLD = 0.3;
const BOX_THRESHOLD = 0.5;
/** A core grows by this times its area over its circumference. */
const GROWTH = 1.6;
const SMALLEST_CORE = 3;
const SMALLEST_BOX = 5;

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A picture as the detection sees it: scaled to fit, its own size of those there are. */
export interface Seen {
  readonly size: Size;
  /** What the picture itself takes of that; the rest is grey. */
  readonly filled: Size;
}

/** How a picture is seen through one of `sizes`: the one that it fills best. */
export function seenAs(picture: Size, sizes: readonly Size[]): Seen {
  const all = sizes.map((size) => {
    const scale = Math.min(1, size.width / picture.width, size.height / picture.height);
    const filled = {
      width: Math.max(1, Math.round(picture.width * scale)),
      height: Math.max(1, Math.round(picture.height * scale)),
    };
    return {
      size,
      filled,
      part: (filled.width * filled.height) / (size.width * size.height),
      scale,
    };
  });
  return all.reduce((best, one) => {
    const better = one.scale > best.scale || (one.scale === best.scale && one.part > best.part);
    return better ? one : best;
  });
}

/** [1, 3, height, width] from -1 to 1; the channels are blue, green, red. */
export function normalised(picture: Picture, { width, height }: Size): Float32Array<ArrayBuffer> {
  const made = new Float32Array(3 * width * height);
  for (let row = 0; row < picture.height; row++) {
    for (let column = 0; column < picture.width; column++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = picture.data[3 * (row * picture.width + column) + 2 - channel] as number;
        made[(channel * height + row) * width + column] = Math.fround(value / 127.5) - 1;
      }
    }
  }
  return made;
}

export function detectionInput(
  picture: Picture,
  { size, filled }: Seen,
): Float32Array<ArrayBuffer> {
  return normalised(resize(picture, filled.width, filled.height), size);
}

/** The lines of text, in no particular order, from the network's map. */
export function boxes(chances: Float32Array, { size, filled }: Seen, picture: Size): Rectangle[] {
  const { width, height } = size;
  const found: Rectangle[] = [];
  for (const outline of outlines(coreMask(chances, width, height), width, height)) {
    const core = smallestRectangle(outline);
    if (Math.min(core.width, core.height) < SMALLEST_CORE) continue;
    if (meanInside(chances, size, core) < BOX_THRESHOLD) continue;
    const margin = (core.width * core.height * GROWTH) / (2 * (core.width + core.height));
    // From centres of pixels, which bound the core, to their corners.
    const full = grown(core, margin + 0.5);
    const place = { ...full, x: full.x + 0.5, y: full.y + 0.5 };
    if (Math.min(place.width, place.height) < SMALLEST_BOX) continue;
    found.push(scaled(place, picture.width / filled.width, picture.height / filled.height));
  }
  return found;
}

/** Pixels above the threshold, spread to the right, below and across: it closes small gaps. */
function coreMask(chances: Float32Array, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      if ((chances[at] as number) <= PIXEL_THRESHOLD) continue;
      const right = column + 1 < width;
      mask[at] = 1;
      if (right) mask[at + 1] = 1;
      if (row + 1 < height) mask[at + width] = 1;
      if (right && row + 1 < height) mask[at + width + 1] = 1;
    }
  }
  return mask;
}

function meanInside(chances: Float32Array, { width, height }: Size, core: Rectangle): number {
  const all = corners(core);
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const inside = coverOf(grown(core, 1e-6));
  let [sum, count] = [0, 0];
  const lastRow = Math.min(height - 1, Math.ceil(Math.max(...ys)));
  const lastColumn = Math.min(width - 1, Math.ceil(Math.max(...xs)));
  for (let row = Math.max(0, Math.floor(Math.min(...ys))); row <= lastRow; row++) {
    for (let column = Math.max(0, Math.floor(Math.min(...xs))); column <= lastColumn; column++) {
      if (!inside(column, row)) continue;
      sum += chances[row * width + column] as number;
      count++;
    }
  }
  return count ? sum / count : 0;
}
