import { createCanvas } from 'canvas';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { drawText, shorten, textWidth, wrapText } from '../../../lib/show/text';

const SIZE = 40;

/** The pixels of one character, dark on white. */
function glyph(character: string): number[] {
  const canvas = createCanvas(SIZE, SIZE);
  const context = canvas.getContext('2d');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, SIZE, SIZE);
  drawText(context, character, 4, 32, { size: 32, color: '#000000' });
  const { data } = context.getImageData(0, 0, SIZE, SIZE);
  return Array.from({ length: SIZE * SIZE }, (_, i) => 1 - data[4 * i] / 255);
}

const ink = (pixels: readonly number[]) => pixels.reduce((a, b) => a + b, 0);
const difference = (a: readonly number[], b: readonly number[]) => ink(a.map((v, i) => Math.abs(v - b[i])));

// A character of a private area: no font has it, so this is what a missing glyph looks like.
const MISSING = glyph('\u{f8ff}');

test('Chinese characters are drawn as themselves, not as boxes', () => {
  const characters = [...'卷积权值看懂网络遮挡敏感度鸵鸟德国牧羊犬梯度扰动'];
  const drawn = characters.map(glyph);
  drawn.forEach((pixels, i) => {
    assert.ok(ink(pixels) > 40, `${characters[i]} 是空的`);
    assert.ok(difference(pixels, MISSING) > 60, `${characters[i]} 画成了方框`);
    for (let j = 0; j < i; j++) {
      if (characters[i] !== characters[j]) {
        assert.ok(difference(pixels, drawn[j]) > 60, `${characters[i]} 与 ${characters[j]} 画得一样`);
      }
    }
  });
});

test('strokes lie where they belong: 一 is one flat line, 十 has a vertical one', () => {
  const rows = (pixels: number[]) =>
    Array.from({ length: SIZE }, (_, y) => ink(pixels.slice(y * SIZE, (y + 1) * SIZE)));
  const columns = (pixels: number[]) =>
    Array.from({ length: SIZE }, (_, x) => ink(pixels.filter((_, i) => i % SIZE === x)));
  const [one, ten] = [glyph('一'), glyph('十')];
  assert.ok(Math.max(...rows(one)) > 20 && Math.max(...columns(one)) < 8);
  assert.ok(Math.max(...rows(ten)) > 20 && Math.max(...columns(ten)) > 20);
});

test('letters, digits, Greek and signs are there too', () => {
  for (const character of 'Ag019.%−×≈≥→∞∑∂√ελσθπμΔ✓“，。') {
    const pixels = glyph(character);
    assert.ok(ink(pixels) > 2 && difference(pixels, MISSING) > 20, character);
  }
});

test('small digits are drawn small, up or down', () => {
  const weight = (pixels: number[]) => ink(pixels.map((v, i) => v * Math.floor(i / SIZE))) / ink(pixels);
  const [low, normal, high] = [glyph('₂'), glyph('2'), glyph('⁴')];
  assert.ok(weight(low) > weight(normal) && weight(high) < weight(normal));
  assert.ok(ink(low) < ink(normal));
});

test('wrapping and shortening keep within the width', () => {
  const context = createCanvas(8, 8).getContext('2d');
  const text = '遮挡敏感度：盖住图像的一部分，记录正确类别的概率 probability 0.97';
  const lines = wrapText(context, text, 160, 16, 9);
  assert.is(lines.join('').replace(/\s/g, ''), text.replace(/\s/g, ''));
  for (const line of lines) assert.ok(textWidth(context, line) <= 160, line);
  const cut = wrapText(context, text, 160, 16, 2);
  assert.is(cut.length, 2);
  assert.ok(cut[1].endsWith('…') && textWidth(context, cut[1]) <= 160);
  assert.is(shorten(context, '短', 100), '短');
  assert.ok(textWidth(context, shorten(context, 'fire9/expand3x3/conv', 90)) <= 90);
});

test.run();
