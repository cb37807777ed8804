/** What happens around the networks that read text, away from the page's own thread. */
import { boxes, detectionInput, type Seen, type Size, seenAs } from "../ocr/detect";
import {
  corners,
  cutOut,
  type Picture,
  type Point,
  type Rectangle,
  turned,
  upright,
} from "../ocr/geometry";
import {
  DIRECTION_WIDTH,
  decode,
  pieces,
  readingOrder,
  stripInput,
  upsideDown,
  widthFor,
} from "../ocr/lines";
import { answer } from "./call";

export interface Line {
  readonly text: string;
  readonly confidence: number;
  readonly corners: readonly Point[];
  readonly turned: boolean;
}

interface Strip {
  readonly place: Rectangle;
  picture: Picture;
  turned: boolean;
  text?: string;
  confidence?: number;
}

let picture: Picture = { width: 0, height: 0, data: new Uint8Array(0) };
let seen: Seen | undefined;
let strips: Strip[] = [];

const methods = {
  /** Take a picture, RGBA; what the detection is given. */
  open({ width, height, data, sizes }: Size & { data: Uint8ClampedArray; sizes: Size[] }) {
    const rgb = new Uint8Array(3 * width * height);
    for (let at = 0; at < width * height; at++) {
      const opacity = (data[4 * at + 3] as number) / 255;
      for (let channel = 0; channel < 3; channel++) {
        const value = data[4 * at + channel] as number;
        rgb[3 * at + channel] = Math.round(255 + (value - 255) * opacity); // on white paper
      }
    }
    picture = { width, height, data: rgb };
    seen = seenAs(picture, sizes);
    return { size: seen.size, data: detectionInput(picture, seen) };
  },

  /** Cut out the lines; for each the pieces that the direction network is given. */
  cut({ chances }: { chances: Float32Array }): Float32Array[][] {
    if (!seen) throw new Error("no picture was opened");
    strips = boxes(chances, seen, picture).map((box) => {
      const place = upright(box);
      return { place, picture: cutOut(place, picture), turned: false };
    });
    return strips.map((strip) =>
      pieces(strip.picture).map((one) => stripInput(one, DIRECTION_WIDTH)),
    );
  },

  /** Turn what stands on its head; for each line what the recognition is given. */
  turn({ chances, widths }: { chances: number[][]; widths: number[] }) {
    return strips.map((strip, at) => {
      strip.turned = upsideDown(chances[at] ?? []);
      if (strip.turned) strip.picture = turned(strip.picture);
      const width = widthFor(strip.picture, widths);
      return { width, data: stripInput(strip.picture, width) };
    });
  },

  /** What line number `at` says; the chance of the likeliest class at each of its steps. */
  decode({ at, chances, classes }: { at: number; chances: Float32Array; classes: string[] }) {
    const { best, ...text } = decode(chances, classes);
    Object.assign(strips[at] as Strip, text);
    return best;
  },

  /** The lines, as the page is read. */
  lines(): Line[] {
    const places = strips.map(({ place }) => place);
    const order = readingOrder(
      places,
      strips.map((strip) => strip.turned),
    );
    return order
      .map((index) => strips[index] as Strip)
      .filter(({ text }) => text)
      .map(({ text = "", confidence = 0, place, turned }) => ({
        text,
        confidence,
        corners: corners(place),
        turned,
      }));
  },
};

export type ReaderMethods = typeof methods;

answer(methods);
