/** Damaged Jupyter messages to a running kernel: it lives, and answers a normal request afterwards. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type RandomGenerator, randomGenerator } from '../../lib/base/random';
import { type Content, Kernel } from '../kernel/client';
import { caseSeed, MUTATIONS, pick } from './mutate';
import { type Campaign } from './tally';

export interface KernelFigures {
  cases: number;
  kinds: Record<string, number>;
  /** How often a normal request was asked in between, and answered. */
  answered: number;
  faults: string[];
  memory: [index: number, rssMB: number][];
  /** What the kernel's JavaScript holds after a collection, MB: at the start, every 250 cases and at the end. */
  heldMB: number[];
}

const HELD = `require('v8').setFlagsFromString('--expose-gc');
for (let i = 0; i < 2; i++) require('vm').runInNewContext('gc')();
Math.round(process.memoryUsage().heapUsed / 2 ** 20)`;

const held = async (kernel: Kernel) => Number(await kernel.value(HELD));

/** Valid requests, of every type that Jupyter sends (but not the one that ends the kernel). */
const REQUESTS: readonly [type: string, content: Content][] = [
  ['execute_request', { code: '1 + 1', silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: true }],
  ['execute_request', { code: 'const 数 = [1, 2, 3].map((n) => n * n);\n数.join()', silent: true, store_history: false }],
  ['complete_request', { code: 'Math.sq', cursor_pos: 7 }],
  ['complete_request', { code: "import { x } from '../lib/ra", cursor_pos: 28 }],
  ['inspect_request', { code: 'Math.sqrt(2)', cursor_pos: 6, detail_level: 0 }],
  ['is_complete_request', { code: 'function f() {' }],
  ['kernel_info_request', {}],
  ['comm_info_request', { target_name: 'x' }],
  ['comm_open', { comm_id: 'c', target_name: 'x', data: {} }],
  ['comm_msg', { comm_id: 'c', data: {} }],
  ['comm_close', { comm_id: 'c', data: {} }],
  ['history_request', { output: false, raw: true, hist_access_type: 'tail', n: 10 }],
  ['interrupt_request', {}],
  ['debug_request', { type: 'request', seq: 1, command: 'initialize' }],
]; // prettier-ignore

/** Damaged messages between two normal requests. */
const BETWEEN = 10;

const VALUES = [
  null,
  undefined,
  0,
  -1,
  1e9,
  1.5,
  '',
  'x',
  '__proto__',
  '\ud83d',
  true,
  [],
  {},
  [[]],
  { a: { b: [1] } },
];

type Parts = [header: Content, parent: Content, metadata: Content, content: Content];

/** What can go wrong in the parsed message, before it is written and signed. */
const STRUCTURE: Record<string, (parts: Parts, random: RandomGenerator) => void> = {
  内容的一个值: (parts, random) => void (parts[3][anyKey(parts[3], random)] = pick(random, VALUES)),
  标题的一个值: (parts, random) => void (parts[0][anyKey(parts[0], random)] = pick(random, VALUES)),
  整个部分: (parts, random) => void (parts[random.integer(4)] = (pick(random, VALUES) ?? null) as Content),
  少一个值(parts, random) {
    const part = parts[pick(random, [0, 3])];
    delete part[anyKey(part, random)];
  },
  套得很深: (parts, random) => void (parts[pick(random, [0, 3])].deep = deep(2000)),
  套得很深的代码: (parts, random) => void (parts[3].code = '(['.repeat(pick(random, [1, 30, 100, 3000]))),
};

const anyKey = (part: Content, random: RandomGenerator) => pick(random, [...Object.keys(part), 'code']);

function deep(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

const bytesOf = (part: unknown) => Buffer.from(JSON.stringify(part) ?? 'null');

/** The frames of one damaged message. */
function makeCase(random: RandomGenerator, wire: Kernel['wire']) {
  const [type, content] = pick(random, REQUESTS);
  const header = { msg_id: randomUUID(), session: 's', username: 'u', date: '', msg_type: type, version: '5.3' };
  const parts: Parts = [header, {}, {}, { ...content }];
  const way = random.integer(8);
  if (way < 4) {
    const [kind, change] = pick(random, Object.entries(STRUCTURE));
    change(parts, random);
    const frames = parts.map(bytesOf);
    return { kind, frames: ['<IDS|MSG>', wire.sign(frames), ...frames] };
  }
  const frames = parts.map(bytesOf);
  const [name, mutate] = pick(random, Object.entries(MUTATIONS));
  if (way < 7) {
    const at = random.integer(4);
    frames[at] = Buffer.from(mutate(frames[at], random));
    return { kind: `${name}，签名相符`, frames: ['<IDS|MSG>', wire.sign(frames), ...frames] };
  }
  const whole: Buffer[] = ['<IDS|MSG>', wire.sign(frames), ...frames].map((frame) => Buffer.from(frame));
  const at = random.integer(whole.length);
  if (random.integer(2)) whole[at] = Buffer.from(mutate(whole[at], random));
  else whole.splice(at, 1);
  return { kind: '签名不符或少一帧', frames: whole };
}

/** The kernel is busy or slow on a busy machine; longer than this it is dead. */
const PATIENCE = 30;

/** A normal completion and a normal cell; a cell that waits behind a failed or interrupted one is aborted: once more. */
async function answers(kernel: Kernel): Promise<void> {
  if (kernel.process.exitCode !== null || kernel.process.signalCode !== null) throw new Error('内核的进程结束了');
  const { matches } = await kernel.ask('complete_request', { code: 'Math.sqr', cursor_pos: 8 }, 'shell', PATIENCE);
  if (!matches?.includes('sqrt')) throw new Error(`补全答了 ${JSON.stringify(matches)}`);
  for (let tries = 0; tries < 3; tries++) {
    const cell = { code: 'const answer: number = 6 * 7;\nif (answer !== 42) throw new Error()', stop_on_error: true };
    const { status } = await kernel.ask('execute_request', cell, 'shell', PATIENCE);
    if (status === 'ok') return;
  }
  throw new Error('6 * 7 没有得到 42');
}

/** Requests that any front end waits for must be answered whatever their content, or it would wait for ever. */
const AWAITED = ['execute_request', 'complete_request', 'inspect_request', 'is_complete_request'];

async function awaited(kernel: Kernel, random: RandomGenerator): Promise<void> {
  const type = pick(random, AWAITED);
  const content = pick<unknown>(random, [
    null,
    0,
    'x',
    [],
    {},
    { code: null },
    { code: 5 },
    { code: {}, cursor_pos: 'x' },
  ]);
  const { status } = await kernel.ask(type, content as Content, 'shell', PATIENCE);
  if (!['ok', 'error', 'aborted', 'invalid'].includes(status)) throw new Error(`${type} 答了 ${status}`);
}

export async function attackKernel({ first, count, seed, onCase }: Campaign): Promise<KernelFigures> {
  const kernel = await Kernel.start();
  const figures: KernelFigures = { cases: 0, kinds: {}, answered: 0, faults: [], memory: [], heldMB: [] };
  let recent: string[] = [];
  try {
    figures.heldMB.push(await held(kernel));
    for (let index = first; index < first + count; index++) {
      onCase?.(index);
      const random = randomGenerator(caseSeed(seed, index));
      const { kind, frames } = makeCase(random, kernel.wire);
      recent.push(`${index} ${kind}: ${frames.map(String).join(' | ').slice(0, 400)}`);
      await kernel.sendFrames(frames, pick(random, ['shell', 'shell', 'control']));
      figures.kinds[kind] = (figures.kinds[kind] ?? 0) + 1;
      figures.cases++;
      if (figures.cases % BETWEEN !== 0 && figures.cases !== count) continue;
      try {
        await awaited(kernel, random);
        await answers(kernel);
        figures.answered++;
      } catch (error) {
        figures.faults.push(`${(error as Error).message}\n${recent.join('\n')}`);
        break;
      }
      recent = [];
      const rss = residentMB(kernel.process.pid!);
      if (rss !== undefined) figures.memory.push([index, rss]);
      if (figures.cases % 250 === 0 || figures.cases === count) figures.heldMB.push(await held(kernel));
    }
  } finally {
    await kernel.stop();
  }
  return figures;
}

/** Memory of another process; Linux alone says it in a file. */
function residentMB(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024);
}
