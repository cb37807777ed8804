/** Where one draws: with a pointer, a finger, or the arrow keys. */
import { useEffect, useRef, useState } from "preact/hooks";

const SIZE = 320;
const INK = 36;
const STEP = 10;

interface Point {
  readonly x: number;
  readonly y: number;
}

interface PadProps {
  /** A number that changes when the pad is to be emptied. */
  readonly emptied: number;
  /** The drawing changed; `ended` when the pen was lifted. */
  readonly onDraw: (canvas: HTMLCanvasElement) => void;
}

export function Pad({ emptied, onDraw }: PadProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<Point>();
  const [blank, setBlank] = useState(true);
  const [cursor, setCursor] = useState<Point & { readonly down: boolean }>();

  useEffect(() => {
    const { current } = canvas;
    current?.getContext("2d")?.clearRect(0, 0, SIZE, SIZE);
    last.current = undefined;
    setBlank(true);
  }, [emptied]);

  function line(to: Point) {
    const pen = canvas.current?.getContext("2d");
    if (!pen) return;
    const from = last.current ?? to;
    pen.lineWidth = INK;
    pen.lineCap = "round";
    pen.strokeStyle = "#000";
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.lineTo(to.x, to.y + 0.01); // a dot has a length too
    pen.stroke();
    last.current = to;
    setBlank(false);
  }

  function lift() {
    if (last.current && canvas.current) onDraw(canvas.current);
    last.current = undefined;
  }

  function place(event: PointerEvent): Point {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * SIZE,
      y: ((event.clientY - box.top) / box.height) * SIZE,
    };
  }

  function key(event: KeyboardEvent) {
    const moves: Record<string, readonly [number, number]> = {
      ArrowLeft: [-STEP, 0],
      ArrowRight: [STEP, 0],
      ArrowUp: [0, -STEP],
      ArrowDown: [0, STEP],
    };
    const now = cursor ?? { x: SIZE / 2, y: INK, down: false };
    const move = moves[event.key];
    if (event.key === " ") {
      event.preventDefault();
      if (now.down) lift();
      else line(now);
      setCursor({ ...now, down: !now.down });
    } else if (move) {
      event.preventDefault();
      const inside = (value: number) => Math.min(SIZE - INK / 2, Math.max(INK / 2, value));
      const next = { ...now, x: inside(now.x + move[0]), y: inside(now.y + move[1]) };
      if (next.down) line(next);
      setCursor(next);
    }
  }

  return (
    <div class="pad">
      <canvas
        ref={canvas}
        width={SIZE}
        height={SIZE}
        tabIndex={0}
        role="img"
        aria-label="Drawing area"
        aria-describedby="pad-help"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          line(place(event));
        }}
        onPointerMove={(event) => last.current && event.buttons && line(place(event))}
        onPointerUp={lift}
        onPointerCancel={lift}
        onKeyDown={key}
        onFocus={(event) => {
          if (event.currentTarget.matches(":focus-visible")) {
            setCursor({ x: SIZE / 2, y: INK, down: false });
          }
        }}
        onBlur={() => {
          if (cursor?.down) lift();
          setCursor(undefined);
        }}
      />
      {blank && (
        <span class="invitation" aria-hidden="true">
          Draw here
        </span>
      )}
      {cursor && (
        <svg
          class="cursor"
          data-down={cursor.down}
          viewBox={`0 0 ${SIZE} ${SIZE}`}
          aria-hidden="true"
        >
          <circle cx={cursor.x} cy={cursor.y} r={INK / 2} />
        </svg>
      )}
      <p id="pad-help" class="hint">
        Draw with a finger or the mouse. By keyboard: the arrows move the pen, the space bar puts it
        down and lifts it.
      </p>
    </div>
  );
}
