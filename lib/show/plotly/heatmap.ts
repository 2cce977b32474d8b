import { createCanvas, type SKRSContext2D } from 'canvas';
import { cellEdges } from './axis';
import { isTyped, type Trace } from './figure';
import { colorRange, scaleColor } from './marks';
import { type Panel, toX, toY } from './panel';

/** The cells' bounds along both axes, in data units. */
export function heatmapEdges(trace: Trace): { x: number[]; y: number[] } {
  const rows = trace.z.length;
  const columns = Math.max(0, ...Array.from(trace.z as ArrayLike<unknown>[], (row) => row.length));
  const edges = (values: unknown, start: unknown, step: unknown, cells: number) => {
    const centres = isTyped(values) && typeof values[0] === 'number' ? (Array.from(values) as number[]) : undefined;
    if (centres || step === undefined) return cellEdges(centres, cells);
    return Array.from({ length: cells + 1 }, (_, i) => Number(start ?? 0) + (i - 0.5) * Number(step));
  };
  return { x: edges(trace.x, trace.x0, trace.dx, columns), y: edges(trace.y, trace.y0, trace.dy, rows) };
}

/** Colour limits of a heat map. */
export const heatmapRange = (trace: Trace) => colorRange(trace.z, trace.zmin, trace.zmax, trace.zmid);

export function drawHeatmap(context: SKRSContext2D, panel: Panel, trace: Trace): void {
  const [min, max] = heatmapRange(trace);
  const edges = heatmapEdges(trace);
  const xs = edges.x.map((v) => toX(panel, v));
  const ys = edges.y.map((v) => toY(panel, v));
  // Cells go onto a canvas of their own: with opacity, overlapping edges would show as a net.
  const layer = createCanvas(context.canvas.width, context.canvas.height);
  const paint = layer.getContext('2d');
  Array.from(trace.z as ArrayLike<ArrayLike<number | null>>).forEach((row, i) => {
    const [top, bottom] = [Math.round(Math.min(ys[i], ys[i + 1])), Math.round(Math.max(ys[i], ys[i + 1]))];
    Array.from(row).forEach((value, j) => {
      if (value === null || !Number.isFinite(value)) return;
      const [left, right] = [Math.round(Math.min(xs[j], xs[j + 1])), Math.round(Math.max(xs[j], xs[j + 1]))];
      paint.fillStyle = scaleColor(trace.colorscale, (value - min) / (max - min));
      paint.fillRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top));
    });
  });
  context.globalAlpha = trace.opacity ?? 1;
  context.drawImage(layer, 0, 0);
  context.globalAlpha = 1;
}
