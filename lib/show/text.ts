import * as fs from 'node:fs';
import * as path from 'node:path';
import { GlobalFonts, type SKRSContext2D } from 'canvas';
import { CourseError } from '../errors';
import { projectRoot } from '../paths';
import { shared } from '../state';

/** Soft greys: text and rules must not compete with the picture. */
export const INK = '#333a44';
export const MUTED = '#6b7380';
export const RULE = '#dfe3e8';
export const PAPER = '#ffffff';
/** Readable from the back row of a class room. */
export const LABEL = 16;
export const NOTE = 14;

/**
 * 登记课程自带的中文字体（register the bundled fonts）；约 0.1 秒，每个进程一次。
 *
 * The fonts come in a hundred small files, each with a part of the characters. Every file gets a family name of its
 * own and a text names them all in turn: files that share one name replace each other in some versions of the canvas.
 * The names are ours, so that no picture depends on which fonts a machine has.
 */
export function registerFonts(): string {
  return shared('show.fonts', () => {
    const folder = path.join(projectRoot(), 'data', 'fonts');
    const files = fs.existsSync(folder) ? fs.readdirSync(folder).filter((f) => f.endsWith('.woff2')) : [];
    const ordered = files.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    const families = ordered.map((_, i) => `convscope ${i}`);
    const registered = ordered.filter((file, i) => GlobalFonts.registerFromPath(path.join(folder, file), families[i]));
    if (registered.length === 0) throw new CourseError(`找不到课程的字体文件夹 ${folder}，请重新取得 data/fonts。`);
    return families.map((family) => `"${family}"`).join(', ');
  });
}

/** Letters before Chinese: each character is taken from the first file that has it. */
function rank(file: string): number {
  const at = ['-latin-400', '-latin-ext-400', '-greek-400'].findIndex((part) => file.includes(part));
  return at < 0 ? 3 : at;
}

/** A CSS font for the canvas, fonts registered. */
export function font(size: number, weight: 'normal' | 'bold' = 'normal'): string {
  return `${weight === 'bold' ? '600 ' : ''}${size}px ${registerFonts()}`;
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
