/** A colour as three numbers in 0–255. */
export type Rgb = readonly [number, number, number];
export type ColormapName = 'sequential' | 'diverging' | 'grey';

/**
 * OKLCH (lightness, chroma, hue in degrees) -> sRGB. Colour maps are paths in this space, because equal steps of its
 * lightness look equally large: a colour map then shows the data and not its own bands. (Ottosson 2020, OKLab)
 */
function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const [r, g, blue] = linear.map((v) => {
    const c = Math.min(1, Math.max(0, v));
    return Math.round(255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055));
  });
  return [r, g, blue];
}

/** Dark violet -> blue -> teal -> yellow: lightness rises evenly, so it reads the same without colour vision. */
function sequentialAt(t: number): Rgb {
  return oklch(
    0.24 + 0.69 * t,
    0.105 + 0.075 * Math.sin(Math.PI * t) ** 2 * (t < 0.5 ? 0.2 : 0.6) + 0.05 * t,
    300 - 197 * t,
  );
}

/** Blue (negative) -> white (zero) -> orange (positive), both arms equally strong. */
function divergingAt(t: number): Rgb {
  const strength = Math.abs(2 * t - 1);
  return oklch(0.975 - 0.455 * strength, 0.155 * strength ** 0.9, t < 0.5 ? 255 : 52);
}

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

/** The same map as a plotly colour scale. */
export function plotlyColorscale(name: ColormapName, steps = 16): [number, string][] {
  return Array.from({ length: steps + 1 }, (_, i) => [i / steps, css(colorAt(name, i / steps))]);
}

/** Colours for categories: blue and orange first, no red against green; neighbours also differ in lightness. */
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
