import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { patchPurity, photoPurity, shuffledPurity } from '../../../lib/02-patches/purity';
import type { Photo } from '../../../lib/image/photos';

test('纯度与打乱类别的对照，手算', async () => {
  const photo = (name: string, category: string) => ({ name, category, path: `${name}.jpg` }) as Photo;
  const [a, b, c, d] = [photo('a', 'x'), photo('b', 'x'), photo('c', 'y'), photo('d', 'y')];
  assert.is(photoPurity([a, b, c]), 2 / 3);
  assert.is(photoPurity([]), 0);
  const channel = (...list: Photo[]) =>
    ({ channel: 0, patches: list.map((photo) => ({ photo })) }) as unknown as Parameters<typeof patchPurity>[0];
  // of the three ways to pair up four photos of two kinds, one gives purity 1 in both channels, two give 1/2
  const chance = shuffledPurity([channel(a, b), channel(c, d)], [a, b, c, d], { shuffles: 3000 });
  assert.equal([...new Set(chance)], [0.5, 1]);
  assert.ok(Math.abs(chance.filter((p) => p === 1).length / 3000 - 1 / 3) < 0.04);
  assert.is(patchPurity(channel(a, b)), 1, '照片自己的类别没有变');
  assert.throws(() => shuffledPurity([], [a]), /至少要有一个通道/);
});

test.run();
