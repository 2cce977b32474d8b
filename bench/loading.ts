/**
 * How long a student waits: kernel ready, first cell (which imports and type-checks the whole library), second cell,
 * each network from the cache, first and second classification; on native and on wasm.
 *
 *     CONVSCOPE_MODELS=DIR npx tsx bench/loading.ts
 */
import { execFileSync } from 'node:child_process';
import * as os from 'node:os';
import { Kernel } from '../test/kernel/client';

const ROUNDS = 3;
const median = (v: number[]) => [...v].sort((a, b) => a - b)[v.length >> 1];
const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

const CELLS = [
  ['first cell: import, startBackend()', `import { classify, loadImage, loadModel, photo, startBackend } from '../lib/index';\nconst backend = await startBackend();`],
  ['second cell', '1 + 1'],
  ['SqueezeNet from the cache', `const squeezenet = await loadModel('squeezenet', { offline: true });`],
  ['first classification', `const image = await loadImage(photo('red-panda').path, { size: 227 });\nconst first = await classify(squeezenet, image);`],
  ['second classification', `const second = await classify(squeezenet, image);`],
  ['AlexNet trunk from the cache', `const alexnet = await loadModel('alexnet-2012', { offline: true, head: false, full: false });`],
  ['EfficientNet-Lite0, embedded', `const lite = await loadModel('efficientnet-lite0');`],
] as const; // prettier-ignore

async function round(backend: string): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  const start = performance.now();
  const kernel = await Kernel.start({ env: { CONVSCOPE_BACKEND: backend } });
  times.set('kernel ready', performance.now() - start);
  for (const [name, code] of CELLS) {
    times.set(
      name,
      await timed(async () => {
        const { error } = await kernel.run(code);
        if (error) throw new Error(`${name}: ${error.evalue}`);
      }),
    );
  }
  await kernel.stop();
  return times;
}

async function main() {
  const columns = new Map<string, Map<string, number[]>>();
  for (let i = 0; i < ROUNDS; i++) {
    for (const backend of ['tensorflow', 'wasm']) {
      for (const [name, ms] of await round(backend)) {
        const row = columns.get(name) ?? new Map<string, number[]>();
        row.set(backend, [...(row.get(backend) ?? []), ms]);
        columns.set(name, row);
      }
    }
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  console.log(
    `# Loading times\n\n${new Date().toISOString().slice(0, 10)}, ${os.cpus().length} cores (${os.cpus()[0].model}), Node ${process.version}, commit ${commit}. Median of ${ROUNDS}; \`npx tsx bench/loading.ts\`.\n`,
  );
  console.log('| | native | wasm |\n|---|---|---|');
  for (const [name, row] of columns)
    console.log(`| ${name} | ${seconds(median(row.get('tensorflow')!))} | ${seconds(median(row.get('wasm')!))} |`);
}

void main();
