/** Two set-ups started at the same moment on a fresh course: one works, the other waits, both end well. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { makeUpFiles, serve, startServer } from '../lib/model/weights/download-server';
import { makeCourse, start } from '../faults/kills/course';

const NAME = '两个窗口同时 npm run setup：只装一次，另一个等它，都成功';

async function twoAtOnce(): Promise<void> {
  const server = await startServer(makeUpFiles(), serve);
  const course = makeCourse(`${server.url}/`);
  try {
    const both = [1, 2].map(() => start(['scripts/setup.mjs'], course.root, course.environment));
    assert.equal(await Promise.all(both.map(({ ended }) => ended)), [0, 0], both.map(({ output }) => output()).join());
    const outputs = both.map(({ output }) => output());
    const count = (what: RegExp) => outputs.filter((text) => what.test(text)).length;
    for (const step of [/✓ 安装 npm 软件包/, /✓ 安装 JupyterLab/, /✓ 下载预编译的原生/])
      assert.is(count(step), 1, outputs.join());
    assert.is(count(/另一个窗口（进程 \d+）正在安装，等它完成/), 1, outputs.join());
    const left = fs.readdirSync(path.join(course.root, '.cache'));
    assert.not(left.includes('setup.lock'), left.join());
  } finally {
    await server.close();
    fs.rmSync(course.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

if (process.platform === 'win32') {
  console.log(`SKIP ${NAME}：小课程的 Python 环境是为 Linux 与 macOS 写的`);
  test.skip(NAME, () => undefined);
} else test(NAME, twoAtOnce);

test.run();
