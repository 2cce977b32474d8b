/**
 * How long every cell takes, on the native backend and on wasm: docs/timings.json holds the numbers,
 * docs/timings.md is the table made of them. Written by `npm run notebooks -- --times`, and by lite/times.mjs for the lab.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cacheFolder, inRoot, readJson, writeJson, writeWhole } from '../setup/paths.mjs';
import { verdict } from '../test/board.mjs';
import { execute } from './execute.mjs';
import { errorCells, substituted } from './rules.mjs';

export const BACKENDS = ['tensorflow', 'wasm'];
/** What a cell may take on an idle machine; a class does not wait longer. */
const BOUNDS = { tensorflow: 10, wasm: 60 };
const numbersFile = () => inRoot('docs', 'timings.json');
const tableFile = () => inRoot('docs', 'timings.md');

/** As on a student's first day: the weights are there, but nothing that an earlier run has computed and kept. */
async function withoutCache(work) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-times-'));
  try {
    const CONVSCOPE_MODELS = process.env.CONVSCOPE_MODELS || cacheFolder('models');
    return await work({ CONVSCOPE_CACHE: scratch, CONVSCOPE_MODELS });
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** Runs one notebook on one backend; gives { faults, entry }. */
export async function timeNotebook(file, backend, run = execute) {
  const before = os.loadavg()[0];
  const { notebook, failure, seconds, processor } = await withoutCache((env) =>
    run(file, { env: { ...env, CONVSCOPE_BACKEND: backend } }),
  );
  if (!notebook) return { faults: [failure] };
  const faults = errorCells(notebook);
  if (failure && faults.length === 0) faults.push(failure);
  if (substituted(notebook)) faults.push('ran on the substitute network: are the weights there?');
  const load = [before, os.loadavg()[0]].map((value) => Number(value.toFixed(1)));
  const cells = Object.keys(seconds).map((at) => ({
    cell: Number(at) + 1,
    line: firstLine(notebook.cells[at]),
    seconds: seconds[at],
    processor: processor[at],
  }));
  return { faults, entry: { load, cells } };
}

const firstLine = ({ source }) => {
  const lines = (Array.isArray(source) ? source.join('') : source).split('\n').map((line) => line.trim());
  const line = lines.find((text) => text && !text.startsWith('import ') && !text.startsWith('//')) ?? lines[0];
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
};

/**
 * Stores one notebook's numbers beside those of the others, and writes the table anew.
 * @param {string} file @param {object} entries @param {{ date?: string, machine?: string }} [facts]
 */
export function storeTimes(file, entries, facts = { date: today(), machine: machine() }) {
  const name = path.basename(file, '.ipynb');
  const all = readJson(numbersFile(), {});
  all[name] = { ...all[name], ...facts, ...entries };
  const sorted = Object.fromEntries(Object.entries(all).sort());
  writeJson(numbersFile(), sorted);
  writeWhole(tableFile(), timesTable(sorted));
}

export const today = () => new Date().toISOString().slice(0, 10);
const machine = () => `${os.cpus()[0]?.model.trim() ?? os.arch()}，${os.cpus().length} 核，Node.js ${process.version}`;

/** Cells above their bound. The smaller of both clocks: on a busy machine the wall clock counts others' work. */
export function aboveBound({ cells }, backend) {
  return cells.filter(({ seconds, processor }) => Math.min(seconds, processor || seconds) > BOUNDS[backend]);
}

const number = (value) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));
const both = (cell) => (cell ? `${number(cell.seconds)}（${number(cell.processor)}）` : '');
const sum = (entry, key) => entry?.cells.reduce((total, cell) => total + cell[key], 0);
const total = (entry) => both(entry && { seconds: sum(entry, 'seconds'), processor: sum(entry, 'processor') });
const load = (entry) => (entry ? entry.load.join(' → ') : '');

/** The Markdown: a table of chapters, then one per chapter with its cells of half a second and more. */
export function timesTable(all) {
  const chapters = Object.entries(all);
  return `${[
    '# 每个单元格的用时',
    '由 `npm run notebooks -- --times` 得到，不要手改。每格是"秒（处理器秒）"：前者是墙上的钟，后者是内核用掉的处理器时间。',
    '机器上同时有别的工作时（见"负载"：开始 → 结束的一分钟平均值，空闲时不超过核数），墙上的钟偏大；原生后端和 wasm 都用几个核，空闲机器上的用时在"处理器秒 ÷ 核数"与"处理器秒"之间。',
    `设计的上限：空闲的机器上每格原生 ${BOUNDS.tensorflow} 秒、wasm ${BOUNDS.wasm} 秒；两种钟里较小的一个超过它，就标 **▲**；原生后端用几个核，所以它的 ▲ 只说明可能超过。`,
    table(
      ['章', '原生', 'wasm', '负载（原生）', '负载（wasm）', '日期', '机器'],
      chapters.map(([name, { tensorflow, wasm, date, machine: where }]) =>
        [name, total(tensorflow), total(wasm), load(tensorflow), load(wasm), date, where],
      ),
    ),
    ...labTable(chapters.filter(([, { lab }]) => lab)),
    ...chapters.flatMap(([name, entry]) => [`## ${name}`, chapterTable(entry)]),
  ].join('\n\n')}\n`;
}

/** The same chapters in a page (lite/times.mjs), beside wasm in Node. */
function labTable(chapters) {
  if (chapters.length === 0) return [];
  const ratio = (lab, { cells }) => (lab.processor / cells.reduce((all, { processor }) => all + processor, 0)).toFixed(1);
  const rows = chapters.map(([name, { lab, tensorflow, wasm }]) =>
    [name, `${number(lab.first.seconds)} 秒，${number(lab.first.bytes / 1e6)} MB`, both(lab), total(wasm), ratio(lab, tensorflow), load(lab), lab.date],
  ); // prettier-ignore
  return [
    '## 在浏览器里',
    '网站的 `site/lab/`（[lite.md](lite.md)），无头 Chromium，没有显卡，从本机读，由 `node lite/times.mjs 01 04 06` 得到。处理器秒是浏览器全部进程的，连同排版与画图；“是原生的几倍”比较处理器秒。',
    table(['章', '打开，到内核可用', '全部运行', 'wasm（Node）', '是原生的几倍', '负载', '日期'], rows),
  ];
}

function chapterTable({ tensorflow, wasm }) {
  const at = (entry, cell) => entry?.cells.find((other) => other.cell === cell);
  const numbers = (tensorflow ?? wasm).cells.map(({ cell }) => cell);
  const mark = (entry, backend, cell) => (entry && aboveBound(entry, backend).some((c) => c.cell === cell) ? ' ▲' : '');
  const rows = numbers
    .filter((cell) => [tensorflow, wasm].some((entry) => (at(entry, cell)?.seconds ?? 0) >= 0.5))
    .map((cell) => [
      String(cell),
      `\`${(at(tensorflow, cell) ?? at(wasm, cell)).line.replaceAll('|', '\\|').replaceAll('`', '’')}\``,
      both(at(tensorflow, cell)) + mark(tensorflow, 'tensorflow', cell),
      both(at(wasm, cell)) + mark(wasm, 'wasm', cell),
    ]);
  if (rows.length === 0) return '每格都不到半秒。';
  return `${table(['格', '第一行', '原生', 'wasm'], rows)}\n\n其余单元格都不到半秒。`;
}

function table(heads, rows) {
  const line = (words) => `| ${words.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

/** For the runner: both backends one after the other; the verdict names what failed and what is too slow. */
export async function measure(file, backends = BACKENDS) {
  const name = path.basename(file);
  const entries = {};
  const faults = [];
  const notes = [];
  for (const backend of backends) {
    const { faults: found, entry } = await timeNotebook(file, backend);
    faults.push(...found.map((fault) => `${backend}: ${fault}`));
    if (!entry || found.length > 0) continue;
    entries[backend] = entry;
    notes.push(`${backend} ${number(sum(entry, 'seconds'))} s`);
    for (const cell of aboveBound(entry, backend)) notes.push(`cell ${cell.cell}: ${number(cell.seconds)} s on ${backend}`);
  }
  if (Object.keys(entries).length > 0) storeTimes(file, entries);
  return verdict(`${name} [${notes.join(', ')}]`, faults);
}
