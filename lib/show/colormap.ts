import { unknownName } from '../base/errors';

/** 一种颜色：三个数，0–255。 */
export type Rgb = readonly [number, number, number];
export type ColormapName = 'sequential' | 'diverging' | 'grey';

/** OKLCH (lightness, chroma, hue in degrees) -> linear sRGB. (Ottosson 2020, OKLab) */
function linearRgb(lightness: number, chroma: number, hue: number): number[] {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/**
 * Colour maps are paths in OKLCH, because equal steps of its lightness look equally large: a map then shows the data
 * and not bands of its own. Where a screen cannot show the colour, chroma gives way and lightness stays.
 */
function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const shows = (c: number) => linearRgb(lightness, c, hue).every((v) => v >= -1e-4 && v <= 1.0001);
  let [low, high] = [0, chroma];
  if (shows(chroma)) low = chroma;
  else
    for (let i = 0; i < 20; i++)
      [low, high] = shows((low + high) / 2) ? [(low + high) / 2, high] : [low, (low + high) / 2];
  const [r, g, b] = linearRgb(lightness, low, hue).map((v) => {
    const c = Math.min(1, Math.max(0, v));
    return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
  });
  return [r, g, b];
}

/** Dark violet -> blue -> teal -> yellow: lightness rises evenly, so it reads the same without colour vision. */
function sequentialAt(t: number): Rgb {
  return oklch(0.26 + 0.67 * t, 0.11 + 0.05 * t - 0.035 * Math.sin(Math.PI * t), 302 - 200 * t);
}

/** Blue (negative) -> white (zero) -> orange (positive), both arms equally strong. */
function divergingAt(t: number): Rgb {
  const strength = Math.abs(2 * t - 1);
  return oklch(0.98 - 0.44 * strength, 0.16 * strength, t < 0.5 ? 255 : 52);
}

/** As many steps as a screen has of grey. */
const TABLE_SIZE = 256;
const tables: Record<ColormapName, readonly Rgb[]> = {
  sequential: Array.from({ length: TABLE_SIZE }, (_, i) => sequentialAt(i / (TABLE_SIZE - 1))),
  diverging: Array.from({ length: TABLE_SIZE }, (_, i) => divergingAt(i / (TABLE_SIZE - 1))),
  grey: Array.from({ length: TABLE_SIZE }, (_, i) => [i, i, i] as const),
};

/** 颜色映射（colour map）：把 [0, 1] 的数变成颜色；diverging 的 0.5 是白色（零）。超出的截断，NaN 是浅灰。 */
export function colorAt(name: ColormapName, t: number): Rgb {
  if (Number.isNaN(t)) return [200, 200, 200];
  return tables[name][Math.round(Math.min(1, Math.max(0, t)) * (TABLE_SIZE - 1))];
}

export const css = ([r, g, b]: Rgb, alpha = 1) =>
  alpha >= 1 ? `rgb(${r},${g},${b})` : `rgba(${r},${g},${b},${alpha})`;

/** A colour as it looks when it lies over a grey. */
export const overGrey = (colour: Rgb, opacity: number, grey: number): Rgb => {
  const [r, g, b] = colour.map((v) => Math.round(opacity * v + (1 - opacity) * grey));
  return [r, g, b];
};

/**
 * 同一张色表，写成 plotly 的形式（colour scale）。
 * @example
 * const colorscale = plotlyColorscale('sequential');
 */
export function plotlyColorscale(name: ColormapName, steps = 16): [number, string][] {
  if (!Object.hasOwn(tables, name)) throw unknownName('颜色映射', name, Object.keys(tables));
  return Array.from({ length: steps + 1 }, (_, i) => [i / steps, css(colorAt(name, i / steps))]);
}

/** 类别的颜色：先蓝后橙，不用红配绿；相邻的明暗也不同。 */
export const PALETTE: readonly string[] = [
  '#2f6db5',
  '#e08424',
  '#6a4c9c',
  '#35a7b0',
  '#b9457c',
  '#c9a727',
  '#7d8794',
  '#1d3557',
  '#8a5a3b',
  '#8fb4e3',
];
