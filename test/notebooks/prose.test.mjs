import path from 'node:path';
import katex from 'katex';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { text } from '../../scripts/handout/audience.mjs';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { readJson } from '../../scripts/setup/paths.mjs';

const notebooks = notebookFiles().map((file) => ({ name: path.basename(file, '.ipynb'), cells: readJson(file).cells }));
const prose = notebooks.flatMap(({ name, cells }) =>
  cells.flatMap((cell, i) => (cell.cell_type === 'markdown' ? [{ place: `${name}, cell ${i + 1}`, source: text(cell) }] : [])),
);

const CODE = /```[\s\S]*?```|`[^`\n]*`/g;
const FORMULA = /\$\$([\s\S]*?)\$\$|\$([^$\n]+)\$/g;
const withoutCode = (source) => source.replace(CODE, '〇');
/** Prose alone: no code, no formulas, no addresses, no tags. */
const bare = (source) => withoutCode(source).replace(FORMULA, '〇').replace(/\]\([^)\s]*\)|<[^>\n]*>/g, ']');

/** One failure names all faults. */
function none(faultsOf) {
  const faults = prose.flatMap(({ place, source }) => faultsOf(source).map((fault) => `${place}: ${fault}`));
  assert.is(faults.length, 0, faults.join('\n'));
}
const around = (source, { index, 0: found }) => source.slice(Math.max(0, index - 12), index + found.length + 12);
const finds = (source, pattern) => [...source.matchAll(pattern)].map((match) => around(source, match));

const HALF_WIDTH = /[\u4e00-\u9fff][,;:!?.()"][\u4e00-\u9fff]|[\u4e00-\u9fff][,;:!?"](?=\s|$)|"[\u4e00-\u9fff]/g;

test('punctuation between Chinese characters is full-width', () => {
  none((source) => finds(bare(source), HALF_WIDTH));
  assert.is(finds('英文,逗号和"引号"', HALF_WIDTH).length, 3);
});

test('every formula is closed and can be drawn', () => {
  none((source) => {
    const code = withoutCode(source);
    if ((code.replaceAll('\\$', '').match(/\$/g) ?? []).length % 2) return ['an odd number of $'];
    return [...code.matchAll(FORMULA)].flatMap(([, display, inline]) => {
      try {
        katex.renderToString(display ?? inline, { displayMode: display !== undefined, strict: 'ignore' });
        return [];
      } catch (error) {
        return [error.message];
      }
    });
  });
});

/** CommonMark does not close `**` between a punctuation mark and a letter, and shows the asterisks instead. */
function brokenBold(paragraph) {
  const parts = bare(paragraph).split('**');
  if (parts.length % 2 === 0) return [`an odd number of **: ${paragraph.slice(0, 40)}`];
  return parts.flatMap((inner, i) => {
    if (i % 2 === 0) return [];
    const [before, after] = [parts[i - 1].at(-1), parts[i + 1][0]];
    const letter = (character) => character !== undefined && /[^\s\p{P}\p{S}]/u.test(character);
    const opens = !(/^[\p{P}\p{S}]/u.test(inner) && letter(before));
    const closes = !(/[\p{P}\p{S}]$/u.test(inner) && letter(after));
    return opens && closes ? [] : [`**${inner}** is not bold`];
  });
}

test('bold type is bold', () => {
  none((source) => source.split(/\n{2,}|\n(?=[-|\d])/).flatMap(brokenBold));
  assert.is(brokenBold('**先看。**再说').length, 1);
  assert.is(brokenBold('**先看**，再说').length, 0);
});

test('no damaged characters anywhere, also not in outputs', () => {
  for (const { name, cells } of notebooks) assert.not(JSON.stringify(cells).includes('\ufffd'), name);
});

test('chapters are named alike and lead to their neighbours', () => {
  none((source) => finds(source, /第 0\d 章/g));
  notebooks.forEach(({ name, cells }, k) => {
    const all = cells.map(text).join('\n');
    for (const [word, other] of Object.entries({ 上一章: notebooks[k - 1], 下一章: notebooks[k + 1] })) {
      if (other) assert.ok(new RegExp(`${word}：\\[\\d\\d [^\\]]+\\]\\(${other.name}\\.ipynb\\)`).test(all), `${name}: ${word}`);
    }
  });
});

test('the first cell says what one learns, how long it takes and what one must know', () => {
  for (const { name, cells } of notebooks) {
    const first = text(cells[0]);
    assert.match(first, new RegExp(`^# ${name.slice(0, 2)}　\\S`), name);
    for (const part of ['**学习目标**', '**用时**　约 ', '**预备**']) assert.ok(first.includes(part), `${name}: ${part}`);
  }
});

/** The words of the field that the course teaches; each is introduced once, as *word*（English）. */
const TERMS =
  '激活值 特征图 卷积核 滤波器 池化 转置卷积 反卷积网络 梯度 反向传播 反向去卷积 导向反向传播 正则化 全变分 感受野 步幅 填充 通道 显著图 热图 遮挡图 最大激活图块 激活最大化 图像最优化 特征反演 编码 修正线性单元 困惑度 对抗样本 扰动 扰动上界 快速梯度符号法 得分 概率'.split(
    ' ',
  );

test('every term is introduced once, with its English name', () => {
  const introduced = prose.flatMap(({ source }) =>
    [...withoutCode(source).matchAll(/\*([^*\n]{1,14})\*\*?（([A-Za-z][^）]*)）/g)].map(([, term]) => term),
  );
  const twice = introduced.filter((term, i) => introduced.indexOf(term) !== i);
  assert.equal(twice, [], 'introduced twice');
  assert.equal(TERMS.filter((term) => !introduced.includes(term)), [], 'never introduced'); // prettier-ignore
});

test('every chapter says what to see in its figures and what they do not prove', () => {
  for (const { name, cells } of notebooks) {
    const all = cells.map(text).join('\n');
    assert.ok((all.match(/\*\*(看什么|读|怎样读|逐行读)/g) ?? []).length >= 2, `${name}: what to see`);
    assert.match(all, /(不证明什么|没证明什么|\*\*这说明)/, `${name}: what it does not prove`);
  }
});

test('the red panda appears in every chapter', () => {
  for (const { name, cells } of notebooks) {
    const code = cells.filter((cell) => cell.cell_type === 'code').map(text).join('\n');
    assert.match(code, /red-panda/, name);
  }
});

test.run();
