import { PALETTE, plotlyColorscale } from '../colormap';
import { axisKey, hasColorbar, plainText, scatterMode, withDefaults, type Figure, type Trace } from './figure';
import { axisDomain } from './panels';
import { INK, LABEL, MUTED, NOTE, PAPER, RULE } from '../text';

type Layout = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any

/** Pixels: a title of 19 and a legend of 16 with air, in the live figure too. */
const TITLE_HEIGHT = 34;
const LEGEND_HEIGHT = 34;

/** One look for all figures, live and static; whatever the caller sets wins. */
export function courseStyle({ data, layout = {} }: Figure, width: number, height: number): Required<Figure> {
  const named = data.filter((t) => t.name && t.showlegend !== false).length;
  const inRow = layout.legend?.orientation ? layout.legend.orientation === 'h' : named <= 6;
  const curves = data.some((t) => (t.type ?? 'scatter') === 'scatter' && scatterMode(t).includes('lines'));
  const title = plainText(layout.title);
  const defaults = {
    font: { family: '"Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif', size: LABEL, color: INK },
    colorway: PALETTE,
    paper_bgcolor: PAPER,
    plot_bgcolor: PAPER,
    margin: { l: 40, r: 24, t: 18 + (title ? TITLE_HEIGHT : 0) + (inRow && named > 1 ? LEGEND_HEIGHT : 0), b: 40 },
    hovermode: 'closest',
    legend: {
      ...(curves ? {} : { itemsizing: 'constant' }),
      ...(inRow ? { orientation: 'h', x: 0, y: 1.01, yanchor: 'bottom' } : {}),
    },
  };
  const given = typeof layout.title === 'object' ? layout.title : {};
  const place = { x: 16 / width, y: 1, yref: 'container', yanchor: 'top', pad: { t: 14 }, font: { size: 19 } };
  const heading = title ? { title: { ...place, ...given, text: title.replace(/\n/g, '<br>') } } : {};
  const full: Layout = { ...withDefaults(layout, defaults), ...heading, ...axes(data, layout), width, height };
  if (full.grid?.pattern === 'independent' && full.grid.xgap === undefined && data.some(hasColorbar)) {
    full.grid = { ...full.grid, xgap: 0.4 };
  }
  return { data: data.map((trace) => styled(trace, full)), layout: full };
}

const isBar = (trace: Trace) => trace.type === 'bar' || trace.type === 'histogram';
const isLying = (trace: Trace) => trace.orientation === 'h' || (trace.type === 'histogram' && !trace.x);

function axes(data: readonly Trace[], layout: Layout): Layout {
  const refs = new Set<string>(['x', 'y']);
  for (const trace of data) for (const ref of [trace.xaxis, trace.yaxis]) if (ref) refs.add(ref);
  for (const { xref, yref } of layout.images ?? []) {
    for (const ref of [xref, yref]) if (ref && ref !== 'paper') refs.add(ref);
  }
  const styledAxis = (ref: string) => {
    const given = layout[axisKey(ref)] ?? {};
    // Lines along the bars say nothing.
    const along = data.some((t) => isBar(t) && (isLying(t) ? (t.yaxis ?? 'y') : (t.xaxis ?? 'x')) === ref);
    const text = plainText(given.title);
    const title = text
      ? { title: { font: { size: LABEL }, standoff: 8, ...(given.title?.text ? given.title : {}), text } }
      : {};
    return withDefaults(
      { ...given, ...title },
      {
        gridcolor: RULE,
        zerolinecolor: '#9aa3ae',
        tickfont: { size: LABEL, color: MUTED },
        ticks: 'outside',
        ticklen: 6,
        tickcolor: 'rgba(0,0,0,0)',
        automargin: true,
        ...(along ? { showgrid: false } : {}),
      },
    );
  };
  return Object.fromEntries([...refs].map((ref) => [axisKey(ref), styledAxis(ref)]));
}

function styled(trace: Trace, layout: Layout): Trace {
  const text = trace.type === 'bar' && trace.text !== undefined;
  const shown = text ? { textposition: 'outside', cliponaxis: false, ...trace } : trace;
  return hasColorbar(shown) ? withColorbar(shown, layout) : shown;
}

/** In a figure with several panels each colour bar stands beside its own. */
function withColorbar(trace: Trace, layout: Layout): Trace {
  const [, right] = axisDomain(trace.xaxis ?? 'x', layout);
  const [bottom, top] = axisDomain(trace.yaxis ?? 'y', layout);
  const whole = right === 1 && bottom === 0 && top === 1;
  const place = whole ? {} : { x: right + 0.01, y: (bottom + top) / 2, len: top - bottom };
  const holder = trace.type === 'heatmap' ? trace : trace.marker;
  const title = plainText(holder.colorbar?.title);
  const bar = withDefaults(
    { ...holder.colorbar, title: { text: title, font: { size: NOTE } } },
    { thickness: 16, outlinewidth: 0, tickfont: { size: NOTE, color: MUTED }, ...place },
  );
  const colours = { colorscale: holder.colorscale ?? plotlyColorscale('sequential'), colorbar: bar };
  return trace.type === 'heatmap' ? { ...trace, ...colours } : { ...trace, marker: { ...holder, ...colours } };
}
