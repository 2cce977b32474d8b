import type { SKRSContext2D } from 'canvas';
import type { Axis } from './axis';
import type { FilledPanel } from './panels';
import { drawText, INK, LABEL, MUTED, RULE, shorten, textWidth } from '../text';
import type { Panel } from './panel';

const ZERO = '#9aa3ae';
/** Degrees and pixels: labels that lie so can still be read, and do not take half of the figure. */
const TILT = 40;
const LONGEST_LABEL = 150;
const TITLE_HEIGHT = 28;

const isShown = (axis: Axis) => axis.settings.visible !== false;
const isLined = (axis: Axis) =>
  axis.settings.showgrid !== false && axis.type !== 'category' && !axis.settings.overlaying;

/** Room that labels and title need beside a panel: left (or right), and below. */
export function axisRoom(context: SKRSContext2D, panel: Panel): { beside: number; below: number } {
  const { x, y } = panel;
  const beside = isShown(y) ? (y.ticks.length ? labelWidth(context, panel) + 12 : 0) + (y.title ? TITLE_HEIGHT : 0) : 0;
  const below = isShown(x) ? tickHeight(context, panel) + (x.title ? TITLE_HEIGHT : 0) : 0;
  return { beside: beside + 8, below: below + 8 };
}

function labelWidth(context: SKRSContext2D, { y }: Panel): number {
  return Math.max(0, ...y.ticks.map((t) => textWidth(context, t.label, LABEL)));
}

function tickHeight(context: SKRSContext2D, panel: Panel): number {
  if (panel.x.ticks.length === 0) return 6;
  if (!isCrowded(context, panel)) return 28;
  const longest = Math.max(...panel.x.ticks.map((t) => textWidth(context, t.label, LABEL)));
  return 20 + Math.min(longest, LONGEST_LABEL) * Math.sin((TILT * Math.PI) / 180);
}

/** Labels that would touch each other are tilted. */
function isCrowded(context: SKRSContext2D, { rect, x }: Panel): boolean {
  const room = rect.width / Math.max(1, x.type === 'category' ? Math.abs(x.max - x.min) : x.ticks.length);
  return x.ticks.some((t) => textWidth(context, t.label, LABEL) > room - 4);
}

/** Grid, zero line, ticks and titles; only what helps to read values. `lines`: false on top of a picture. */
export function drawAxes(context: SKRSContext2D, panel: FilledPanel, { lines = true } = {}): void {
  context.lineWidth = 1;
  if (isShown(panel.y)) drawYAxis(context, panel, lines);
  if (isShown(panel.x)) drawXAxis(context, panel, lines);
  if (lines) drawZero(context, panel);
}

function drawYAxis(context: SKRSContext2D, panel: FilledPanel, lines: boolean): void {
  const { rect, y, bars } = panel;
  const right = y.settings.side === 'right';
  const edge = right ? rect.x + rect.width + 8 : rect.x - 8;
  for (const tick of y.ticks) {
    const at = Math.round(rect.y + rect.height - fraction(y, tick.value) * rect.height) + 0.5;
    if (lines && isLined(y) && !bars.horizontal) rule(context, rect.x, at, rect.x + rect.width, at, RULE);
    drawText(context, tick.label, edge, at, {
      size: LABEL,
      color: MUTED,
      baseline: 'middle',
      align: right ? 'left' : 'right',
    });
  }
  if (!y.title) return;
  const far = labelWidth(context, panel) + 16;
  const style = { size: LABEL, color: INK, align: 'center', baseline: 'middle', rotate: 90 } as const;
  drawText(context, y.title, right ? edge + far : edge - far, rect.y + rect.height / 2, style);
}

function drawXAxis(context: SKRSContext2D, panel: FilledPanel, lines: boolean): void {
  const { rect, x, bars } = panel;
  const bottom = rect.y + rect.height;
  const tilted = isCrowded(context, panel);
  const upright = bars.bars.length > 0 && !bars.horizontal;
  for (const tick of x.ticks) {
    const at = Math.round(rect.x + fraction(x, tick.value) * rect.width) + 0.5;
    if (lines && isLined(x) && !upright) rule(context, at, rect.y, at, bottom, RULE);
    const style = { size: LABEL, color: MUTED, baseline: 'top' } as const;
    if (tilted) {
      const label = shorten(context, tick.label, LONGEST_LABEL, LABEL);
      drawText(context, label, at, bottom + 8, { ...style, align: 'right', rotate: TILT });
    } else drawText(context, tick.label, at, bottom + 7, { ...style, align: 'center' });
  }
  if (!x.title) return;
  const y = bottom + tickHeight(context, panel) + 4;
  drawText(context, x.title, rect.x + rect.width / 2, y, { size: LABEL, color: INK, align: 'center', baseline: 'top' });
}

const fraction = (axis: Axis, value: number) => (value - axis.min) / (axis.max - axis.min);

function drawZero(context: SKRSContext2D, { rect, x, y, bars }: FilledPanel): void {
  const wanted = (axis: Axis) => isShown(axis) && axis.settings.zeroline !== false && axis.type === 'linear';
  const inside = (at: number) => at >= -1e-9 && at <= 1 + 1e-9;
  if (wanted(y) && inside(y.at(0)) && !bars.horizontal) {
    const at = Math.round(rect.y + (1 - y.at(0)) * rect.height) + 0.5;
    rule(context, rect.x, at, rect.x + rect.width, at, ZERO);
  }
  if (wanted(x) && inside(x.at(0)) && (bars.bars.length === 0 || bars.horizontal)) {
    const at = Math.round(rect.x + x.at(0) * rect.width) + 0.5;
    rule(context, at, rect.y, at, rect.y + rect.height, ZERO);
  }
}

function rule(context: SKRSContext2D, x0: number, y0: number, x1: number, y1: number, color: string): void {
  context.strokeStyle = color;
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
