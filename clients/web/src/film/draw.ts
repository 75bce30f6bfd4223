// Draws the list of a frame (`frame.ts`) on a canvas.

import { HEIGHT, type Op, WIDTH } from "./effects";
import type { Eyes, Figure, Mouth, Style } from "./looks";

const FAMILY = '"Onest Variable", system-ui, sans-serif';

/** Pictures that are decoded; null while one is not here. */
export interface Pictures {
  asset(asset: string): CanvasImageSource | null;
  figure(figure: Figure): CanvasImageSource | null;
}

export function draw(context: CanvasRenderingContext2D, ops: readonly Op[], pictures: Pictures): void {
  const { width, height } = context.canvas;
  context.save();
  context.setTransform(width / WIDTH, 0, 0, height / HEIGHT, 0, 0);
  context.beginPath();
  context.rect(0, 0, WIDTH, HEIGHT);
  context.clip();
  for (const op of ops) drawOne(context, op, pictures);
  context.restore();
}

function drawOne(context: CanvasRenderingContext2D, op: Op, pictures: Pictures): void {
  const n = (at: number) => Number(op[at]);
  switch (op[0]) {
    case "rect":
      context.fillStyle = String(op[5]);
      context.fillRect(n(1), n(2), n(3), n(4));
      break;
    case "gradient": {
      const colours = context.createLinearGradient(0, 0, 0, HEIGHT);
      colours.addColorStop(0, String(op[1]));
      colours.addColorStop(1, String(op[2]));
      context.fillStyle = colours;
      context.fillRect(0, 0, WIDTH, HEIGHT);
      break;
    }
    case "ellipse":
      context.fillStyle = String(op[5]);
      context.beginPath();
      context.ellipse(n(1), n(2), n(3), n(4), 0, 0, 2 * Math.PI);
      context.fill();
      break;
    case "text":
      context.font = `${op[5]} ${op[3]}px ${FAMILY}`;
      context.textAlign = op[4] === "center" ? "center" : "left";
      context.textBaseline = "alphabetic";
      context.fillStyle = String(op[6]);
      context.fillText(String(op[7]), n(1), n(2), WIDTH);
      break;
    case "line":
      context.strokeStyle = String(op[6]);
      context.lineWidth = n(5);
      context.lineCap = "round";
      context.beginPath();
      context.moveTo(n(1), n(2));
      context.lineTo(n(3), n(4));
      context.stroke();
      break;
    case "poly":
      context.fillStyle = String(op[1]);
      context.beginPath();
      for (let at = 2; at < op.length; at += 2) context.lineTo(n(at), n(at + 1));
      context.fill();
      break;
    case "glow":
      glow(context, n(1), n(2), n(3), String(op[4]));
      break;
    case "picture":
      cover(context, pictures.asset(String(op[1])), n(2), n(3), n(4), n(5));
      break;
    case "figure":
      upright(context, pictures.figure(figureOf(op)), n(8), n(9), n(10), n(10), n(11), n(12));
      break;
    case "sprite":
      upright(context, pictures.asset(String(op[1])), n(2), n(3), n(4), n(5), n(6), n(7));
      break;
    case "camera":
      context.save();
      context.translate(WIDTH / 2 + n(2), HEIGHT / 2 + n(3));
      context.scale(n(1), n(1));
      context.translate(-WIDTH / 2, -HEIGHT / 2);
      break;
    case "layer":
      context.save();
      context.globalAlpha *= n(1);
      break;
    case "clip":
      context.save();
      context.beginPath();
      context.rect(n(1), n(2), n(3), n(4));
      context.clip();
      break;
    case "end":
      context.restore();
      break;
  }
}

export function figureOf(op: Op): Figure {
  const [, style, seed, skin, hair, coat, eyes, mouth] = op.map(String);
  const colours = { skin: skin ?? "", hair: hair ?? "", coat: coat ?? "" };
  return { style: style as Style, seed: seed ?? "", ...colours, eyes: eyes as Eyes, mouth: mouth as Mouth };
}

function glow(context: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string): void {
  const colours = context.createRadialGradient(x, y, 0, x, y, radius);
  colours.addColorStop(0, colour);
  colours.addColorStop(1, `${colour.slice(0, 7)}00`);
  context.fillStyle = colours;
  context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

/** A whole picture whose lower edge has its middle at (x, y), turned about that point; `flip`: how wide it is. */
function upright(
  context: CanvasRenderingContext2D,
  image: CanvasImageSource | null,
  x: number,
  y: number,
  w: number,
  h: number,
  turn: number,
  flip: number,
): void {
  if (!image || flip === 0) return;
  const { width, height } = image as ImageBitmap;
  // The square of a figure is full; of another picture all is shown.
  const scale = Math.min(w / (width || 1), h / (height || 1));
  const [wide, high] = [(width || 1) * scale, (height || 1) * scale];
  context.save();
  context.translate(x, y);
  context.rotate((turn * Math.PI) / 180);
  context.scale(flip, 1);
  context.drawImage(image, -wide / 2, -high, wide, high);
  context.restore();
}

/** The picture in a box, cut where it is too wide or too high. */
function cover(
  context: CanvasRenderingContext2D,
  image: CanvasImageSource | null,
  x: number,
  y: number,
  w: number,
  h: number,
): void {
  if (!image) return;
  const { width, height } = image as ImageBitmap;
  const scale = Math.max(w / width, h / height);
  const [cutW, cutH] = [w / scale, h / scale];
  context.drawImage(image, (width - cutW) / 2, (height - cutH) / 2, cutW, cutH, x, y, w, h);
}
