import type { Image, SKRSContext2D } from 'canvas';
import { type Panel, toX, toY } from './panel';

/** A picture of `layout.images`, already decoded. */
export interface PlacedImage {
  readonly image: Image;
  readonly settings: Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any
}

export function drawPlacedImage(context: SKRSContext2D, panel: Panel, { image, settings }: PlacedImage): void {
  const {
    x = 0,
    y = 0,
    sizex = 1,
    sizey = 1,
    xanchor = 'left',
    yanchor = 'top',
    sizing = 'contain',
    opacity = 1,
  } = settings;
  const width = Math.abs(toX(panel, Number(x) + Number(sizex)) - toX(panel, x));
  const height = Math.abs(toY(panel, Number(y) + Number(sizey)) - toY(panel, y));
  const factor = Math.min(width / image.width, height / image.height);
  const [w, h] = sizing === 'stretch' ? [width, height] : [image.width * factor, image.height * factor];
  const shift = { left: 0, center: 0.5, right: 1, top: 0, middle: 0.5, bottom: 1 } as Record<string, number>;
  context.globalAlpha = opacity;
  context.imageSmoothingEnabled = image.width > 64 || w < image.width;
  context.drawImage(image, toX(panel, x) - shift[xanchor] * w, toY(panel, y) - shift[yanchor] * h, w, h);
  context.globalAlpha = 1;
}
