/** Inputs for any model: drawn, from a NumPy file, or from a picture. */
import { readNpy } from "likewise-runtime/npy";
import type { Tensor } from "../engines/engine";
import type { PortFacts } from "../engines/python";

/** Sizes for the axes that a model leaves open, to begin with. */
export function proposed({ dims, dtype }: PortFacts): number[] {
  const picture = dims.length === 4 && (dtype === "float" || dtype === "uint8");
  return dims.map((dim, axis) => {
    if (typeof dim === "number") return dim;
    if (axis === 0) return 1;
    const channel = axis === 1 || axis === dims.length - 1;
    if (picture) return channel && axis === 1 ? 3 : 224;
    return 16;
  });
}

/** A `.npy` file as an input. Raises where its element type or axes are not those of `port`. */
export async function fromNpy(file: File, port: PortFacts): Promise<Tensor> {
  const { dtype, shape, data } = readNpy(new Uint8Array(await file.arrayBuffer()), file.name);
  const fits =
    shape.length === port.dims.length &&
    shape.every((size, axis) => typeof port.dims[axis] === "string" || port.dims[axis] === size);
  if (dtype !== port.dtype || !fits) {
    throw new Error(
      `${file.name} is ${typeOf(dtype, shape)}, but the input \`${port.name}\` takes ` +
        `${typeOf(port.dtype, port.dims)}.`,
    );
  }
  return { dtype, shape, data };
}

/** Whether a picture can be this input: four axes, one or three of them channels. */
export function takesPicture({ dtype, dims }: PortFacts): boolean {
  return dims.length === 4 && (dtype === "float" || dtype === "uint8");
}

/** A picture, scaled to the input's size; floats are from 0 to 1. */
export async function fromPicture(
  file: Blob,
  dtype: string,
  shape: readonly number[],
): Promise<Tensor> {
  const last = shape[3] === 1 || shape[3] === 3;
  const [channels = 3, height = 1, width = 1] = last
    ? [shape[3], shape[1], shape[2]]
    : shape.slice(1);
  const pixels = await pixelsOf(file, width, height);
  const size = width * height;
  const data =
    dtype === "uint8" ? new Uint8Array(size * channels) : new Float32Array(size * channels);
  const scale = dtype === "uint8" ? 1 : 1 / 255;
  for (let at = 0; at < size; at++) {
    const [red = 0, green = 0, blue = 0] = pixels.subarray(4 * at, 4 * at + 3);
    const grey = 0.299 * red + 0.587 * green + 0.114 * blue;
    for (let channel = 0; channel < channels; channel++) {
      const value = channels === 3 ? ([red, green, blue][channel] as number) : grey;
      data[last ? at * channels + channel : channel * size + at] = value * scale;
    }
  }
  return { dtype, shape, data };
}

async function pixelsOf(file: Blob, width: number, height: number): Promise<Uint8ClampedArray> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    throw new Error("This file is no picture that the browser can read.");
  }
  const pen = new OffscreenCanvas(width, height).getContext("2d");
  if (!pen) throw new Error("This browser gives no canvas of that size.");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return pen.getImageData(0, 0, width, height).data;
}

export function typeOf(dtype: string, dims: readonly (number | string)[]): string {
  return `${dtype}[${dims.map((dim) => (unnamed(dim) ? "?" : dim)).join(" × ")}]`;
}

/** Whether a size is left open under a name that the model's author did not give it. */
export function unnamed(dim: number | string): boolean {
  return typeof dim === "string" && /^[_?]/.test(dim);
}
