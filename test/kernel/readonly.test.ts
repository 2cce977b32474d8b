/** A course that cannot be written: the kernel works, and npm start says what to do. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nobody, type Place, readOnlyCourse } from '../faults/confinement';
import { Kernel, root } from './client';

/** What writes into the cache elsewhere: compiled modules, the patches of a layer. */
const CELLS = [
  `import { loadModel, coursePhotos, topPatches } from '../lib/index';
const model = await loadModel('efficientnet-lite0');`,
  `const best = await topPatches(model, coursePhotos().slice(0, 3), 'b2', { count: 1 });
best.length`,
];

async function kernelWorks({ through }: Place): Promise<void> {
  // nothing of the caller's own cache: the course's folder is all there is
  const kernel = await Kernel.start({ through, env: { CONVSCOPE_CACHE: '', CONVSCOPE_BACKEND: 'cpu', HOME: '/' } });
  try {
    await kernel.value(CELLS[0]);
    assert.is(await kernel.value(CELLS[1]), '24');
  } finally {
    await kernel.stop();
  }
}

function whereItCanBe(name: string, place: Place | undefined, run: (place: Place) => unknown): void {
  if (place) return test(name, async () => void (await run(place)));
  console.log(`SKIP ${name}：这里不能建立只读的挂载，或不能换用户`);
  test.skip(name, () => undefined);
}

const readOnly = readOnlyCourse();
whereItCanBe('课程文件夹只读（EROFS）：内核照样载入网络、计算，只是不存缓存', readOnly, kernelWorks);
whereItCanBe('课程文件夹属于别人（EACCES）：内核照样载入网络、计算', nobody(), kernelWorks);

whereItCanBe('课程文件夹只读：npm start、npm run setup 用中文说出哪里不能写、怎样做', readOnly, ({ through }) => {
  for (const script of ['start.mjs', 'setup.mjs']) {
    const words = [...through.slice(1), process.execPath, join(root, 'scripts', script)];
    const { status, stderr } = spawnSync(through[0], words, { encoding: 'utf8', timeout: 120_000 });
    assert.is(status, 1, stderr);
    assert.match(stderr, /不能写 .*setup\.lock（EROFS）/);
    assert.match(stderr, 'cp -r');
    assert.not.match(stderr, /^ +at /m, 'no stack');
  }
});

test.run();
