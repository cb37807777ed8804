/** A drawing as the digits of scikit-learn are: 8 × 8 sums of ink, the digit filling the square. */
export const SIDE = 8;

/**
 * `image` is dark ink on nothing. What is drawn is cut out, scaled to 32 × 32 with its shape kept,
 * and summed over blocks of 4 × 4, as the data set was made. Undefined where nothing is drawn.
 */
export function digitOf(canvas: HTMLCanvasElement): Float32Array<ArrayBuffer> | undefined {
  const box = inked(canvas);
  if (!box) return undefined;
  const fine = 4 * SIDE;
  const scale = fine / Math.max(box.width, box.height);
  const [width, height] = [box.width * scale, box.height * scale];
  const small = new OffscreenCanvas(fine, fine);
  const pen = small.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("this browser gives no canvas to draw on");
  pen.imageSmoothingQuality = "high";
  const [left, top] = [(fine - width) / 2, (fine - height) / 2];
  pen.drawImage(canvas, box.left, box.top, box.width, box.height, left, top, width, height);
  const { data } = pen.getImageData(0, 0, fine, fine);
  const made = new Float32Array(SIDE * SIDE);
  for (let at = 0; at < fine * fine; at++) {
    const [row, column] = [Math.floor(at / fine / 4), Math.floor((at % fine) / 4)];
    const inside = row * SIDE + column;
    made[inside] = (made[inside] ?? 0) + (data[4 * at + 3] ?? 0) / 255 / 16;
  }
  return made;
}

function inked(canvas: HTMLCanvasElement) {
  const { width, height } = canvas;
  const data = canvas.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let at = 0; at < width * height; at++) {
    if ((data[4 * at + 3] ?? 0) < 64) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    [left, right, top, bottom] = [
      Math.min(left, x),
      Math.max(right, x),
      Math.min(top, y),
      Math.max(bottom, y),
    ];
  }
  if (right < 0) return undefined;
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}
