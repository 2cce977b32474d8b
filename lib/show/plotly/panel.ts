import type { Axis } from './axis';
import type { Rect } from './figure';

/** A panel: where data become pixels. */
export interface Panel {
  readonly rect: Rect;
  readonly x: Axis;
  readonly y: Axis;
}

export const toX = ({ rect, x }: Panel, value: unknown) => rect.x + x.at(value) * rect.width;
export const toY = ({ rect, y }: Panel, value: unknown) => rect.y + (1 - y.at(value)) * rect.height;
