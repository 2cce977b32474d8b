import { createCanvas, loadImage, type Canvas, type SKRSContext2D } from 'canvas';
import { hasColorbar, plainText, type Figure, type Rect, type Trace } from './figure';
import { drawColorbars, drawLegend, legendHeight, legendWidth } from './legend';
import { drawNotes } from './notes';
import { axisRoom, drawAxes } from './axes';
import { makePanels, type FilledPanel } from './panels';
import { drawHeatmap } from './heatmap';
import { drawPlacedImage, type PlacedImage } from './picture';
import { drawScatter } from './scatter';
import { drawBars } from './bars';
import { drawText, INK, MUTED, PAPER } from '../text';

type Layout = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

const DRAWN = ['scatter', 'scattergl', 'bar', 'histogram', 'heatmap'];
const kind = (trace: Trace) => (trace.type ?? 'scatter').replace('scattergl', 'scatter');

/**
 * The static twin of a plotly figure: scatter, line, bar, histogram and heat map traces, panels, pictures, notes.
 * What plotly draws live, a saved notebook, GitHub and a printed page show from here.
 */
export async function drawFigure({ data, layout = {} }: Figure, width: number, height: number): Promise<Canvas> {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  const known = data.filter((trace) => DRAWN.includes(trace.type ?? 'scatter'));
  const images = await decodeImages(layout);
  const paper = fitPaper(context, known, layout, width, height);
  const panels = makePanels(known, layout, paper);
  for (const panel of panels) drawPanel(context, panel, images, known);
  drawNotes(context, panels, layout, paper);
  drawTitle(context, layout, width);
  drawLegend(context, known, layout, panels, width);
  drawColorbars(context, panels);
  const missing = [...new Set(data.filter((t) => !known.includes(t)).map((t) => t.type))];
  if (missing.length > 0) {
    const text = `静态图里没有画出：${missing.join('、')}（在 JupyterLab 里可以看到）`;
    drawText(context, text, width / 2, height / 2, { align: 'center', color: MUTED });
  }
  return canvas;
}

function drawTitle(context: SKRSContext2D, layout: Layout, width: number): void {
  const title = plainText(layout.title);
  if (title)
    drawText(context, title, layout.title?.x === 0.5 ? width / 2 : 16, 30, {
      size: 19,
      weight: 'bold',
      color: INK,
      align: layout.title?.x === 0.5 ? 'center' : 'left',
    });
}

/** The area of all panels. Margins grow with the labels, as plotly's `automargin` does. */
function fitPaper(
  context: SKRSContext2D,
  traces: readonly Trace[],
  layout: Layout,
  width: number,
  height: number,
): Rect {
  const { l = 0, r = 0, t = 0, b = 0, autoexpand } = layout.margin ?? {};
  if (autoexpand === false) return { x: l, y: t, width: width - l - r, height: height - t - b };
  const guess = { x: 80, y: 60, width: width - 120, height: height - 120 };
  const panels = makePanels(traces, layout, guess);
  // What stands out over the edges of the whole area, panel by panel.
  const over = panels.map((panel) => {
    const { beside, below } = axisRoom(context, panel);
    const { x, y, width: w, height: h } = panel.rect;
    const bar = panel.traces.some(({ trace }) => hasColorbar(trace)) ? COLORBAR_ROOM : 0;
    const isRight = panel.y.settings.side === 'right';
    return {
      left: (isRight ? 0 : beside) - (x - guess.x),
      right: Math.max(bar, isRight ? beside : 0) - (guess.x + guess.width - x - w),
      below: below - (guess.y + guess.height - y - h),
    };
  });
  const left = Math.max(12, ...over.map((o) => o.left + 6));
  const right = Math.max(24, ...over.map((o) => o.right + 10)) + legendWidth(context, traces, layout);
  const bottom = Math.max(12, ...over.map((o) => o.below + 4));
  const head = (plainText(layout.title) ? 46 : 18) + legendHeight(context, traces, layout, width);
  const top = head + (hasTopNotes(layout) ? 24 : 0);
  return { x: left, y: top, width: width - left - right, height: height - top - bottom };
}

/** Pixels: the bar of 16, its gap, and numbers of five characters. */
const COLORBAR_ROOM = 84;
const hasTopNotes = (layout: Layout) =>
  (layout.annotations ?? []).some((a: Layout) => a.yref === 'paper' && Number(a.y) >= 1);

function drawPanel(
  context: SKRSContext2D,
  panel: FilledPanel,
  images: readonly PlacedImage[],
  traces: readonly Trace[],
): void {
  const own = images.filter(
    ({ settings }) => (settings.xref ?? 'x') === panel.x.ref && (settings.yref ?? 'y') === panel.y.ref,
  );
  const below = own.filter(({ settings }) => settings.layer === 'below');
  const axesOnTop = panel.traces.some(({ trace }) => kind(trace) === 'heatmap') || own.length > 0;
  const clip = (paint: () => void) => {
    context.save();
    context.beginPath();
    const { x, y, width, height } = panel.rect;
    // A little more than the panel: points on its border stay whole.
    context.rect(x - 5, y - 5, width + 10, height + 10);
    context.clip();
    paint();
    context.restore();
  };
  if (!axesOnTop) drawAxes(context, panel);
  clip(() => {
    for (const image of below) drawPlacedImage(context, panel, image);
    for (const { trace } of panel.traces) if (kind(trace) === 'heatmap') drawHeatmap(context, panel, trace);
    for (const image of own) if (!below.includes(image)) drawPlacedImage(context, panel, image);
  });
  // Labels of bars may stand outside of the panel.
  if (panel.bars.bars.length > 0) drawBars(context, panel, panel.bars, traces);
  clip(() => {
    for (const { trace, index } of panel.traces)
      if (kind(trace) === 'scatter') drawScatter(context, panel, trace, index);
  });
  // Lines across a picture would be read as part of it.
  if (axesOnTop) drawAxes(context, panel, { lines: false });
}

async function decodeImages(layout: Layout): Promise<PlacedImage[]> {
  const placed: PlacedImage[] = [];
  for (const settings of layout.images ?? []) {
    if (!/^data:image\//.test(String(settings.source))) continue;
    placed.push({ image: await loadImage(String(settings.source)), settings });
  }
  return placed;
}
