import type { SKRSContext2D } from 'canvas';
import { column, pick, plainText, pointCount, scatterMode, type Trace } from './figure';
import { drawSymbol, pointColor, setLine, traceColor } from './marks';
import { type Panel, toX, toY } from './panel';
import { drawText, INK, LABEL } from '../text';

export function drawScatter(context: SKRSContext2D, panel: Panel, trace: Trace, index: number): void {
  const n = pointCount(trace);
  const mode = scatterMode(trace);
  const xs = column(trace.x, n).map((v) => toX(panel, v));
  const ys = column(trace.y, n).map((v) => toY(panel, v));
  context.globalAlpha = trace.opacity ?? 1;
  if (trace.fill && trace.fill !== 'none') fillBelow(context, panel, trace, index, xs, ys);
  if (trace.error_y?.array) errorBars(context, panel, trace, index, xs);
  if (mode.includes('lines') && trace.line?.width !== 0) {
    setLine(context, traceColor(trace, index), trace.line?.width ?? 2, trace.line?.dash);
    context.beginPath();
    let pen = false;
    for (let i = 0; i < n; i++) {
      if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) {
        pen = false;
        continue;
      }
      if (pen && String(trace.line?.shape) === 'hv') context.lineTo(xs[i], ys[i - 1]);
      if (pen) context.lineTo(xs[i], ys[i]);
      else context.moveTo(xs[i], ys[i]);
      pen = true;
    }
    context.stroke();
    context.setLineDash([]);
  }
  if (mode.includes('markers')) drawMarkers(context, trace, index, xs, ys);
  context.globalAlpha = 1;
  if (mode.includes('text')) drawLabels(context, trace, xs, ys);
}

function drawMarkers(context: SKRSContext2D, trace: Trace, index: number, xs: number[], ys: number[]): void {
  const marker = trace.marker ?? {};
  for (let i = 0; i < xs.length; i++) {
    if (!Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
    context.globalAlpha = (trace.opacity ?? 1) * pick(marker.opacity, i, 1);
    context.fillStyle = pointColor(trace, index, i);
    setLine(context, context.fillStyle as string, 1.5);
    drawSymbol(context, String(pick(marker.symbol, i, 'circle')), xs[i], ys[i], pick(marker.size, i, 6));
    if (marker.line?.width) {
      setLine(context, pick(marker.line.color, i, '#ffffff'), pick(marker.line.width, i, 1));
      context.stroke();
    }
  }
}

function drawLabels(context: SKRSContext2D, trace: Trace, xs: number[], ys: number[]): void {
  for (let i = 0; i < xs.length; i++) {
    const text = plainText(pick(trace.text, i, ''));
    if (!text || !Number.isFinite(xs[i]) || !Number.isFinite(ys[i])) continue;
    const place = String(pick(trace.textposition, i, 'middle center'));
    const far = scatterMode(trace).includes('markers') ? pick(trace.marker?.size, i, 6) / 2 + 3 : 0;
    const align = place.includes('left') ? 'right' : place.includes('right') ? 'left' : 'center';
    const baseline = place.includes('top') ? 'bottom' : place.includes('bottom') ? 'top' : 'middle';
    const dx = align === 'left' ? far : align === 'right' ? -far : 0;
    const dy = baseline === 'top' ? far : baseline === 'bottom' ? -far : 0;
    const { size = LABEL, color = INK } = trace.textfont ?? {};
    drawText(context, text, xs[i] + dx, ys[i] + dy, { size, color, align, baseline, halo: true });
  }
}

function fillBelow(
  context: SKRSContext2D,
  panel: Panel,
  trace: Trace,
  index: number,
  xs: number[],
  ys: number[],
): void {
  const base = trace.fill === 'toself' ? NaN : toY(panel, Math.max(0, Math.min(panel.y.min, panel.y.max)));
  context.save();
  context.fillStyle = trace.fillcolor ?? traceColor(trace, index);
  if (!trace.fillcolor) context.globalAlpha *= 0.18;
  context.beginPath();
  xs.forEach((x, i) => (i === 0 ? context.moveTo(x, ys[i]) : context.lineTo(x, ys[i])));
  if (Number.isFinite(base)) {
    context.lineTo(xs[xs.length - 1], base);
    context.lineTo(xs[0], base);
  }
  context.closePath();
  context.fill();
  context.restore();
}

function errorBars(context: SKRSContext2D, panel: Panel, trace: Trace, index: number, xs: number[]): void {
  setLine(context, traceColor(trace, index), 1.5);
  xs.forEach((x, i) => {
    const [y, error] = [Number(trace.y[i]), Number(trace.error_y.array[i])];
    const [top, bottom] = [toY(panel, y + error), toY(panel, y - error)];
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, bottom);
    for (const end of [top, bottom]) {
      context.moveTo(x - 4, end);
      context.lineTo(x + 4, end);
    }
    context.stroke();
  });
}
