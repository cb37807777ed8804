/** Rectangles at any angle: the smallest around points, grown, cut out of a picture. */

export type Point = readonly [x: number, y: number];

/** RGB, a row after the other. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray | Uint8Array;
}

/** Centre, side lengths, and the direction of the width, clockwise as seen, in radians. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}

/** Unit vectors along the width and along the height. */
function axes({ angle }: Rectangle): readonly [Point, Point] {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  return [
    [cosine, sine],
    [-sine, cosine],
  ];
}

/** Top left, top right, bottom right, bottom left, as seen along the width. */
export function corners(rectangle: Rectangle): readonly Point[] {
  const [along, down] = axes(rectangle);
  const { x, y, width, height } = rectangle;
  const signs = [
    [-0.5, -0.5],
    [0.5, -0.5],
    [0.5, 0.5],
    [-0.5, 0.5],
  ] as const;
  return signs.map(([right, below]) => [
    x + right * width * along[0] + below * height * down[0],
    y + right * width * along[1] + below * height * down[1],
  ]);
}

export function grown(rectangle: Rectangle, margin: number): Rectangle {
  const { width, height } = rectangle;
  return { ...rectangle, width: width + 2 * margin, height: height + 2 * margin };
}

/** The rectangle on a picture that is stretched; its sides are stretched as they lie. */
export function scaled(rectangle: Rectangle, horizontal: number, vertical: number): Rectangle {
  const stretched = axes(rectangle).map(([x, y]) => [x * horizontal, y * vertical] as const);
  const [along, down] = stretched as [Point, Point];
  return {
    x: rectangle.x * horizontal,
    y: rectangle.y * vertical,
    width: rectangle.width * Math.hypot(...along),
    height: rectangle.height * Math.hypot(...down),
    angle: Math.atan2(along[1], along[0]),
  };
}

/** The same rectangle, its width along the long side if that stands: it holds a line upwards. */
export function upright(rectangle: Rectangle): Rectangle {
  const { width, height, angle } = rectangle;
  if (height < 1.5 * width) return rectangle;
  return { ...rectangle, width: height, height: width, angle: angle - Math.PI / 2 };
}

/** Whether a point lies in it. */
export function coverOf(rectangle: Rectangle): (x: number, y: number) => boolean {
  const [along, down] = axes(rectangle);
  const { x: left, y: top, width, height } = rectangle;
  return (x, y) =>
    Math.abs((x - left) * along[0] + (y - top) * along[1]) <= width / 2 &&
    Math.abs((x - left) * down[0] + (y - top) * down[1]) <= height / 2;
}

/** The part of the picture under it, level, sampled bilinearly; edge pixels go on beyond it. */
export function cutOut(rectangle: Rectangle, picture: Picture): Picture {
  const columns = Math.max(1, Math.round(rectangle.width));
  const rows = Math.max(1, Math.round(rectangle.height));
  const [along, down] = axes(rectangle);
  const data = new Uint8Array(3 * columns * rows);
  for (let row = 0; row < rows; row++) {
    const below = ((row + 0.5) * rectangle.height) / rows - rectangle.height / 2;
    for (let column = 0; column < columns; column++) {
      const right = ((column + 0.5) * rectangle.width) / columns - rectangle.width / 2;
      const x = rectangle.x + right * along[0] + below * down[0] - 0.5;
      const y = rectangle.y + right * along[1] + below * down[1] - 0.5;
      sample(picture, x, y, data, 3 * (row * columns + column));
    }
  }
  return { width: columns, height: rows, data };
}

function sample(picture: Picture, x: number, y: number, into: Uint8Array, at: number): void {
  const { width, height, data } = picture;
  const [inX, inY] = [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)];
  const [left, top] = [Math.floor(inX), Math.floor(inY)];
  const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
  const [across, downwards] = [inX - left, inY - top];
  for (let channel = 0; channel < 3; channel++) {
    const value = (row: number, column: number) => data[3 * (row * width + column) + channel] ?? 0;
    const upper = value(top, left) * (1 - across) + value(top, right) * across;
    const lower = value(bottom, left) * (1 - across) + value(bottom, right) * across;
    into[at + channel] = Math.round(upper * (1 - downwards) + lower * downwards);
  }
}

/** Half a turn. */
export function turned({ width, height, data }: Picture): Picture {
  const made = new Uint8Array(data.length);
  const last = width * height - 1;
  for (let at = 0; at <= last; at++) {
    for (let channel = 0; channel < 3; channel++) {
      made[3 * at + channel] = data[3 * (last - at) + channel] ?? 0;
    }
  }
  return { width, height, data: made };
}

/** The corners of the convex hull, in order (the monotone chain). */
export function convexHull(points: readonly Point[]): readonly Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const ordered = sorted.filter(
    (point, at) => at === 0 || point[0] !== sorted[at - 1]?.[0] || point[1] !== sorted[at - 1]?.[1],
  );
  if (ordered.length < 3) return ordered;
  return [...chain(ordered).slice(0, -1), ...chain([...ordered].reverse()).slice(0, -1)];
}

function chain(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (const [x, y] of points) {
    while (kept.length > 1) {
      const [[x0, y0], [x1, y1]] = kept.slice(-2) as [Point, Point];
      if ((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) > 0) break;
      kept.pop();
    }
    kept.push([x, y]);
  }
  return kept;
}

/** The rectangle of least area around the points; one of its sides lies on their hull. */
export function smallestRectangle(points: readonly Point[]): Rectangle {
  const hull = convexHull(points);
  const quarter = Math.PI / 2;
  const angles = hull.map(([x, y], at) => {
    const next = hull[(at + 1) % hull.length] as Point;
    const angle = Math.atan2(next[1] - y, next[0] - x) + quarter / 2;
    return angle - quarter * Math.floor(angle / quarter) - quarter / 2;
  });
  let best: Rectangle | undefined;
  for (const angle of angles.sort((a, b) => a - b)) {
    const found = bounding(hull, angle);
    if (!best || found.width * found.height < best.width * best.height) best = found;
  }
  return best ?? { x: 0, y: 0, width: 0, height: 0, angle: 0 };
}

function bounding(hull: readonly Point[], angle: number): Rectangle {
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const across = hull.map(([x, y]) => cosine * x + sine * y);
  const down = hull.map(([x, y]) => cosine * y - sine * x);
  const [left, right] = [Math.min(...across), Math.max(...across)];
  const [top, bottom] = [Math.min(...down), Math.max(...down)];
  const [middle, centre] = [(left + right) / 2, (top + bottom) / 2];
  return {
    x: middle * cosine - centre * sine,
    y: middle * sine + centre * cosine,
    width: right - left,
    height: bottom - top,
    angle,
  };
}
