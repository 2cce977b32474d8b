import * as path from 'node:path';
import { GlobalFonts, type SKRSContext2D } from 'canvas';
import { CourseError } from '../base/errors';
import { projectRoot } from '../base/paths';
import { shared } from '../base/state';

/** Soft greys: text and rules must not compete with the picture. */
export const INK = '#333a44';
export const MUTED = '#6b7380';
export const RULE = '#dfe3e8';
export const PAPER = '#ffffff';
/** Readable from the back row of a class room. */
export const LABEL = 16;
/** Secondary text: still readable, and clearly less than a label. */
export const NOTE = 14;

/** A name of our own: the course's pictures never depend on which fonts a machine has. */
const FAMILY = 'convscope sans';

/** 登记课程自带的中文字体（register the bundled font），每个进程一次。 */
function registerFonts(): void {
  shared('show.fonts', () => {
    const file = path.join(projectRoot(), 'data', 'fonts', 'convscope-sans.ttf');
    if (GlobalFonts.registerFromPath(file, FAMILY)) return true;
    throw new CourseError(`读不了课程的字体 ${file}，请重新取得 data/fonts。`);
  });
}

/** A CSS font for the canvas, fonts registered. */
export function font(size: number, weight: 'normal' | 'bold' = 'normal'): string {
  registerFonts();
  return `${weight === 'bold' ? '600 ' : ''}${size}px "${FAMILY}"`;
}

export interface TextStyle {
  readonly size?: number;
  readonly weight?: 'normal' | 'bold';
  readonly color?: string;
  readonly align?: 'left' | 'center' | 'right';
  readonly baseline?: 'top' | 'middle' | 'alphabetic' | 'bottom';
  /** Degrees, counter-clockwise. */
  readonly rotate?: number;
  /** White outline, for text on top of a picture. */
  readonly halo?: boolean;
}

/** Draws one line of text. */
export function drawText(context: SKRSContext2D, text: string, x: number, y: number, style: TextStyle = {}): void {
  const { size = 16, weight = 'normal', color = INK, align = 'left', baseline = 'alphabetic', rotate = 0 } = style;
  context.save();
  context.font = font(size, weight);
  context.lang = 'zh-CN';
  context.fillStyle = color;
  context.textBaseline = baseline;
  context.translate(x, y);
  if (rotate) context.rotate((-rotate * Math.PI) / 180);
  const width = textWidth(context, text, size, weight);
  let at = align === 'center' ? -width / 2 : align === 'right' ? -width : 0;
  for (const run of runs(text)) {
    context.font = font(size * run.scale, weight);
    if (style.halo) {
      context.strokeStyle = 'rgba(255,255,255,0.85)';
      context.lineWidth = 3;
      context.lineJoin = 'round';
      context.strokeText(run.text, at, -run.raise * size);
    }
    context.fillText(run.text, at, -run.raise * size);
    at += context.measureText(run.text).width;
  }
  context.restore();
}

interface Run {
  readonly text: string;
  /** Size and height of the line, relative to the plain text. */
  readonly scale: number;
  readonly raise: number;
}

const SUPERSCRIPTS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻';
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉₊₋';
const PLAIN = '0123456789+−';

/** The fonts have no small digits beyond ² and ³: they are drawn as digits, smaller and higher or lower. */
function runs(text: string): Run[] {
  const parts = text.replace(/[✗✘]/g, '×').match(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+|[₀-₉₊₋]+|[^⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻₀-₉₊₋]+/g) ?? [];
  return parts.map((part) => {
    const small = SUPERSCRIPTS.includes(part[0]) ? SUPERSCRIPTS : SUBSCRIPTS.includes(part[0]) ? SUBSCRIPTS : '';
    if (!small) return { text: part, scale: 1, raise: 0 };
    const digits = [...part].map((c) => PLAIN[small.indexOf(c)]).join('');
    return { text: digits, scale: 0.68, raise: small === SUPERSCRIPTS ? 0.38 : -0.16 };
  });
}

/** Width in pixels. */
export function textWidth(
  context: SKRSContext2D,
  text: string,
  size = 16,
  weight: 'normal' | 'bold' = 'normal',
): number {
  context.save();
  let width = 0;
  for (const run of runs(text)) {
    context.font = font(size * run.scale, weight);
    width += context.measureText(run.text).width;
  }
  context.restore();
  return width;
}

/** Breaks between Chinese characters and at spaces; at most `maxLines`, the last one ends in "…" when text is left. */
export function wrapText(context: SKRSContext2D, text: string, width: number, size = 16, maxLines = 2): string[] {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    const words = paragraph.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+|\s+/g) ?? [''];
    let line = '';
    for (const word of words) {
      if (line && textWidth(context, line + word, size) > width) {
        lines.push(line.trimEnd());
        line = word.trimStart();
      } else line += word;
    }
    lines.push(line.trimEnd());
  }
  const kept = lines.slice(0, maxLines);
  if (lines.length > maxLines) kept[maxLines - 1] += '…';
  return kept.map((line) => shorten(context, line, width, size));
}

/** Cuts a line that is too wide and marks the cut. */
export function shorten(context: SKRSContext2D, text: string, width: number, size = 16): string {
  if (textWidth(context, text, size) <= width) return text;
  const characters = [...text.replace(/…$/, '')];
  while (characters.length > 1 && textWidth(context, `${characters.join('')}…`, size) > width) characters.pop();
  return `${characters.join('').trimEnd()}…`;
}
