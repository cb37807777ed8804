/** Connected components of a mask. */
import type { Point } from "./geometry";

interface Run {
  readonly row: number;
  readonly start: number;
  readonly end: number;
  /** Leads, perhaps over others, to the run that stands for the region. */
  parent: number;
}

/** For each region of set pixels, joined at sides or corners, the pixels where its rows end. */
export function outlines(mask: Uint8Array, width: number, height: number): readonly Point[][] {
  const runs: Run[] = [];
  let above: readonly number[] = [];
  for (let row = 0; row < height; row++) {
    const here = runsOf(mask, width, row, runs);
    join(runs, above, here);
    above = here;
  }
  const regions = new Map<number, Point[]>();
  for (const [index, { row, start, end }] of runs.entries()) {
    const root = rootOf(runs, index);
    const points = regions.get(root) ?? [];
    points.push([start, row], [end - 1, row]);
    regions.set(root, points);
  }
  return [...regions.values()];
}

function runsOf(mask: Uint8Array, width: number, row: number, runs: Run[]): number[] {
  const found: number[] = [];
  for (let x = 0; x < width; x++) {
    if (!mask[row * width + x]) continue;
    const start = x;
    while (x < width && mask[row * width + x]) x++;
    found.push(runs.length);
    runs.push({ row, start, end: x, parent: runs.length });
  }
  return found;
}

function join(runs: Run[], above: readonly number[], here: readonly number[]): void {
  let from = 0;
  for (const one of here) {
    const { start, end } = runs[one] as Run;
    while (from < above.length && (runs[above[from] as number] as Run).end < start) from++;
    for (let at = from; at < above.length; at++) {
      const other = above[at] as number;
      if ((runs[other] as Run).start > end) break;
      const [a, b] = [rootOf(runs, one), rootOf(runs, other)];
      (runs[Math.max(a, b)] as Run).parent = Math.min(a, b);
    }
  }
}

function rootOf(runs: Run[], index: number): number {
  let root = index;
  for (let run = runs[root] as Run; run.parent !== root; run = runs[root] as Run) root = run.parent;
  (runs[index] as Run).parent = root;
  return root;
}
