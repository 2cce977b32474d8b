import type { SKRSContext2D } from 'canvas';
import { plainText, type Rect } from './figure';
import { setLine } from './marks';
import type { FilledPanel } from './panels';
import { drawText, INK, MUTED } from '../text';
import { toX, toY } from './panel';

type Settings = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

/** Shapes and annotations of a figure. */
export function drawNotes(context: SKRSContext2D, panels: readonly FilledPanel[], layout: Settings, paper: Rect): void {
  for (const shape of layout.shapes ?? []) drawShape(context, panels, shape, paper);
  for (const note of layout.annotations ?? []) drawAnnotation(context, panels, note, paper);
}

/** The place of (x, y), each in its own reference: an axis, an axis' domain, or the paper (all panels together). */
function place(
  paper: Rect,
  panels: readonly FilledPanel[],
  xRef: string,
  yRef: string,
  x: unknown,
  y: unknown,
): [number, number] {
  const own =
    panels.find(
      (p) =>
        (xRef === 'paper' || p.x.ref === xRef.split(' ')[0]) && (yRef === 'paper' || p.y.ref === yRef.split(' ')[0]),
    ) ?? panels[0];
  const { rect } = own;
  const px =
    xRef === 'paper'
      ? paper.x + Number(x) * paper.width
      : xRef.endsWith('domain')
        ? rect.x + Number(x) * rect.width
        : toX(own, x);
  const py =
    yRef === 'paper'
      ? paper.y + (1 - Number(y)) * paper.height
      : yRef.endsWith('domain')
        ? rect.y + (1 - Number(y)) * rect.height
        : toY(own, y);
  return [px, py];
}

function drawShape(context: SKRSContext2D, panels: readonly FilledPanel[], shape: Settings, paper: Rect): void {
  const refs: [string, string] = [shape.xref ?? 'x', shape.yref ?? 'y'];
  const [x0, y0] = place(paper, panels, ...refs, shape.x0, shape.y0);
  const [x1, y1] = place(paper, panels, ...refs, shape.x1, shape.y1);
  context.globalAlpha = shape.opacity ?? 1;
  setLine(context, shape.line?.color ?? MUTED, shape.line?.width ?? 2, shape.line?.dash);
  context.beginPath();
  if (shape.type === 'line') {
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
  } else if (shape.type === 'circle') {
    context.ellipse((x0 + x1) / 2, (y0 + y1) / 2, Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2, 0, 0, 2 * Math.PI);
  } else context.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  if (shape.fillcolor && shape.type !== 'line') {
    context.fillStyle = shape.fillcolor;
    context.fill();
  }
  if (shape.line?.width !== 0) context.stroke();
  context.setLineDash([]);
  context.globalAlpha = 1;
}

function drawAnnotation(context: SKRSContext2D, panels: readonly FilledPanel[], note: Settings, paper: Rect): void {
  const refs: [string, string] = [note.xref ?? 'x', note.yref ?? 'y'];
  const [x, y] = place(paper, panels, ...refs, onLog(panels, refs[0], note.x), onLog(panels, refs[1], note.y));
  if (![x, y].every(Number.isFinite) || x < 0 || x > context.canvas.width) return;
  const { size = 14, color = INK } = note.font ?? {};
  const arrow = note.showarrow !== false;
  const [tx, ty] = arrow ? [x + (note.ax ?? -10), y + (note.ay ?? -30)] : [x, y];
  if (arrow) drawArrow(context, tx, ty, x, y, note.arrowcolor ?? MUTED);
  const lines = plainText(note.text).split('\n');
  const align = { left: 'left', right: 'right' }[String(note.xanchor)] as 'left' | 'right' | undefined;
  const height = lines.length * size * 1.3;
  const start =
    note.yanchor === 'top'
      ? ty + size
      : note.yanchor === 'bottom' || arrow
        ? ty - height + size
        : ty - height / 2 + size;
  const weight = /^<b>/.test(String(note.text)) ? 'bold' : 'normal';
  lines.forEach((line, i) =>
    drawText(context, line, tx, start + i * size * 1.3, { size, color, weight, align: align ?? 'center', halo: true }),
  );
}

/** On a logarithmic axis plotly gives notes (not shapes) as powers of ten. */
function onLog(panels: readonly FilledPanel[], ref: string, value: unknown): unknown {
  const axis = panels.flatMap((p) => [p.x, p.y]).find((a) => a.ref === ref);
  return axis?.type === 'log' ? 10 ** Number(value) : value;
}

function drawArrow(context: SKRSContext2D, x0: number, y0: number, x1: number, y1: number, color: string): void {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  setLine(context, color, 1.5);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  for (const turn of [-0.45, 0.45]) {
    context.moveTo(x1, y1);
    context.lineTo(x1 - 8 * Math.cos(angle + turn), y1 - 8 * Math.sin(angle + turn));
  }
  context.stroke();
}
