// Draws the list of a frame (`frame.ts`) on a canvas.

import { HEIGHT, type Op, WIDTH } from "./frame";

const FAMILY = '"Onest Variable", system-ui, sans-serif';

/** `picture` gives the decoded picture of an asset, or null while it is not here. */
export function draw(
  context: CanvasRenderingContext2D,
  ops: readonly Op[],
  picture: (asset: string) => CanvasImageSource | null,
): void {
  const { width, height } = context.canvas;
  context.save();
  context.setTransform(width / WIDTH, 0, 0, height / HEIGHT, 0, 0);
  context.beginPath();
  context.rect(0, 0, WIDTH, HEIGHT);
  context.clip();
  for (const op of ops) drawOne(context, op, picture);
  context.restore();
}

function drawOne(
  context: CanvasRenderingContext2D,
  op: Op,
  picture: (asset: string) => CanvasImageSource | null,
): void {
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
    case "picture":
      cover(context, picture(String(op[1])), n(2), n(3), n(4), n(5));
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
