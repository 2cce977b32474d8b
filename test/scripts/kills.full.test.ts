/** The short form of `npm run faults -- kills 150`; figures in docs/reliability.md. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { attackByKilling } from '../faults/kills';
import { withNetworks } from '../helpers';

const CASES = 5;
const NAME = '安装、下载、记录在随机时刻被 kill -9：再启动一次就修好，不留半个文件';

if (process.platform === 'win32') {
  console.log(`SKIP ${NAME}：Windows 没有进程组`);
  test.skip(NAME, () => undefined);
} else {
  withNetworks(test, ['googlenet'], NAME, async () => {
    const figures = await attackByKilling({ first: 0, count: CASES, seed: 2 });
    assert.equal(figures.faults, []);
    assert.is(figures.cases, CASES);
    const hit = Object.values(figures.kinds).reduce((sum, n) => sum + n, 0);
    assert.ok(hit >= CASES - 2, `${hit} 次命中，${figures.tooLate} 次太迟`);
  });
}

test.run();
