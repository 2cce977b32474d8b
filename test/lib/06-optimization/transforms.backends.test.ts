import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startBackend, tf } from '../../../lib/tf/backend';
import { fitTo, warped } from '../../../lib/06-optimization/warp';
import { fourier, PHOTO_COLOURS, waves } from '../../../lib/06-optimization/fourier';
import { loadImage } from '../../../lib/image/image';
import { naturalness } from '../../../lib/06-optimization/naturalness';
import { coursePhotos } from '../../../lib/image/photos';
import { randomGenerator } from '../../../lib/base/random';
import { jitter, pad, rotate, rotateScale, scale, type Transform } from '../../../lib/06-optimization/transforms';
import { assertClose, failure, leakFree, relativeError } from '../../helpers';

const random = randomGenerator(1);
const noise = (h: number, w: number) =>
  tf.tensor3d(
    Float32Array.from({ length: h * w * 3 }, () => random.uniform()),
    [h, w, 3],
  );

test.before(async () => {
  await startBackend();
});

test('jitter moves the picture round, by at most px', async () => {
  const image = noise(7, 6);
  const x = image.dataSync();
  const seen = new Set<string>();
  for (let seed = 0; seed < 40; seed++) {
    const y = tf.tidy(() => jitter(2)(image, randomGenerator(seed)).dataSync());
    let found = '';
    for (let down = -2; down <= 2; down++) {
      for (let right = -2; right <= 2; right++) {
        const moved = Array.from({ length: y.length }, (_, i) => {
          const [row, col, c] = [Math.floor(i / 18), Math.floor(i / 3) % 6, i % 3];
          return x[(((row - down + 7) % 7) * 6 + ((col - right + 6) % 6)) * 3 + c];
        });
        if (relativeError(y, moved) === 0) found = `${down},${right}`;
      }
    }
    assert.ok(found, `seed ${seed}`);
    seen.add(found);
  }
  assert.ok(seen.size > 12, [...seen].join(' '));
  image.dispose();
});

test('pad adds grey, fitTo takes the centre back', async () => {
  const image = noise(6, 5);
  const back = tf.tidy(() => {
    const padded = pad(3)(image, random);
    assert.equal(padded.shape, [12, 11, 3]);
    assert.is(padded.dataSync()[0], 0.5);
    return fitTo(padded, [6, 5]).dataSync();
  });
  assert.equal(back, image.dataSync());
  assert.equal(
    tf.tidy(() => fitTo(image, [8, 9]).shape),
    [8, 9, 3],
  );
  image.dispose();
});

test('warping: the identity, a quarter turn, an enlargement of a ramp', async () => {
  const image = noise(9, 9);
  const same = tf.tidy(() => warped(image, [1, 0, 0, 1]).dataSync());
  assertClose(same, image.dataSync(), 1e-6);
  const turned = tf.tidy(() => warped(image, [0, -1, 1, 0]).dataSync());
  const x = image.dataSync();
  const expected = Array.from(x, (_, i) => {
    const [row, col, c] = [Math.floor(i / 27), Math.floor(i / 3) % 9, i % 3];
    return x[((8 - col) * 9 + row) * 3 + c];
  });
  assertClose(turned, expected, 1e-6);
  const ramp = tf.tensor3d(
    Float32Array.from({ length: 243 }, (_, i) => (Math.floor(i / 3) % 9) - 4),
    [9, 9, 3],
  );
  const half = tf.tidy(() => warped(ramp, [0.5, 0, 0, 0.5]).dataSync());
  assertClose(
    half,
    ramp.dataSync().map((v) => v / 2),
    1e-6,
  );
  tf.dispose([image, ramp]);
});

test('every transform has the exact gradient of a linear map: <T x, y> = <x, T* y>', async () => {
  const transforms: Transform[] = [jitter(3), scale([0.8, 1.2]), rotate(20), rotateScale(20, [0.8, 1.2]), pad(2)];
  const [x, y] = [noise(9, 8), noise(9, 8)];
  for (const transform of transforms) {
    const [left, right] = tf.tidy(() => {
      // Equal seeds: the same transform both times.
      const f = (image: tf.Tensor) =>
        tf.sum(tf.mul(fitTo(transform(image as tf.Tensor3D, randomGenerator(7)), [9, 8]), y)) as tf.Scalar;
      const zero = f(tf.zerosLike(x)).dataSync()[0];
      return [f(x).dataSync()[0] - zero, tf.sum(tf.mul(tf.grad(f)(x), x)).dataSync()[0]];
    });
    assertClose([left], [right], 1e-4, transform.name);
    await leakFree(() => transform(x, randomGenerator(1)));
  }
  tf.dispose([x, y]);
});

test('the Fourier basis is orthonormal, the parametrisation inverts', async () => {
  for (const n of [6, 9]) {
    const { basis } = waves(n);
    for (let a = 0; a < n; a++) {
      for (let b = 0; b < n; b++) {
        let dot = 0;
        for (let y = 0; y < n; y++) dot += basis[y * n + a] * basis[y * n + b];
        assert.ok(Math.abs(dot - Number(a === b)) < 1e-6, `${n}: ${a}, ${b} ${dot}`);
      }
    }
  }
  const image = tf.tidy(() => tf.add(tf.mul(noise(12, 9), 0.8), 0.1) as tf.Tensor3D);
  const { fromImage, toImage } = fourier();
  const back = tf.tidy(() => toImage(fromImage(image)).dataSync());
  assertClose(back, image.dataSync(), 1e-4);
  await leakFree(() => fromImage(image));
  image.dispose();
});

test('without decorrelated colours one channel of the parameters moves one colour, and back again', async () => {
  const { name, fromImage, toImage } = fourier({ colours: 'rgb' });
  assert.equal(name, "fourier({ colours: 'rgb' })");
  const image = tf.tidy(() => tf.add(tf.mul(noise(12, 9), 0.8), 0.1) as tf.Tensor3D);
  assertClose(
    tf.tidy(() => toImage(fromImage(image)).dataSync()),
    image.dataSync(),
    1e-4,
  );
  const moved = (of: typeof toImage) =>
    tf.tidy(() => {
      const one = tf.tensor(
        Float32Array.from({ length: 8 * 8 * 3 }, (_, i) => (i === 1 ? 1 : 0)),
        [8, 8, 3],
      );
      return Array.from(tf.max(tf.abs(tf.sub(of(one), 0.5)), [0, 1]).dataSync(), (v) => v > 1e-6);
    });
  assert.equal(moved(toImage), [false, true, false]);
  assert.equal(moved(fourier().toImage), [true, true, true]);
  image.dispose();
});

test('the Fourier gradient is that of finite differences, and the powers are those of 1 / frequency', async () => {
  for (const power of [0, 1]) {
    const { fromImage, toImage } = fourier({ power });
    const weights = noise(8, 6);
    const start = noise(8, 6);
    const parameters = fromImage(start);
    const f = (p: tf.Tensor) => tf.sum(tf.mul(toImage(p), weights)) as tf.Scalar;
    const gradient = tf.tidy(() => tf.grad(f)(parameters).dataSync());
    const values = parameters.dataSync();
    const at = [0, 5, 40, 77, 143];
    const bumped = (i: number, by: number) =>
      tf.tidy(
        () =>
          f(
            tf.tensor(
              Float32Array.from(values, (v, j) => (j === i ? v + by : v)),
              [8, 6, 3],
            ),
          ).dataSync()[0],
      );
    const numeric = at.map((i) => (bumped(i, 0.01) - bumped(i, -0.01)) / 0.02);
    assertClose(
      at.map((i) => gradient[i]),
      numeric,
      5e-3,
      `power ${power}`,
    );
    tf.dispose([weights, start, parameters]);
  }
  // A wave of twice the frequency is half as large a step of the picture.
  const { toImage } = fourier();
  const swing = (k: number) =>
    tf.tidy(() => {
      const one = tf.tensor(
        Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => (i === 3 * 32 * k ? 0.01 : 0)),
        [32, 32, 3],
      );
      return tf.max(tf.abs(tf.sub(toImage(one), 0.5))).dataSync()[0];
    });
  // Column 2k - 1 is the cosine of k cycles.
  assertClose([swing(3) / swing(7)], [2], 0.02);
});

test("the colours are those of the course's scenes", async () => {
  const sums = new Float64Array(9);
  const totals = new Float64Array(3);
  let n = 0;
  for (const photo of coursePhotos({ background: 'scene' }).filter((_, i) => i % 10 === 0)) {
    const image = await loadImage(photo.path, { size: 32 });
    const x = image.dataSync();
    image.dispose();
    for (let i = 0; i < x.length; i += 3, n++) {
      for (let a = 0; a < 3; a++) {
        totals[a] += x[i + a];
        for (let b = 0; b < 3; b++) sums[3 * a + b] += x[i + a] * x[i + b];
      }
    }
  }
  const covariance = Array.from(sums, (s, i) => s / n - (totals[Math.floor(i / 3)] * totals[i % 3]) / n ** 2);
  const stated = [0, 1, 2].flatMap((a) =>
    [0, 1, 2].map((b) => PHOTO_COLOURS[a].reduce((s, v, k) => s + v * PHOTO_COLOURS[b][k], 0)),
  );
  // A tenth of the photos.
  assertClose(covariance, stated, 0.15);
});

test('naturalness tells a photo from noise', async () => {
  const photo = await loadImage(coursePhotos({ background: 'scene' })[0].path, { size: 64 });
  const white = noise(64, 64);
  const [p, w] = [await naturalness(photo), await naturalness(white)];
  assert.ok(p.slope < -1.5 && p.slope > -4, String(p.slope));
  assert.ok(Math.abs(w.slope) < 0.4, String(w.slope));
  assert.ok(w.highShare > 0.5 && p.highShare < 0.3, `${w.highShare} ${p.highShare}`);
  // Two uniform numbers differ by 1/3 on average.
  assert.ok(Math.abs(w.variation - 1 / 3) < 0.01, String(w.variation));
  await leakFree(() => naturalness(white));
  tf.dispose([photo, white]);
});

test('wrong parameters are refused', async () => {
  for (const make of [
    () => jitter(-1),
    () => pad(NaN),
    () => scale([1, 0.5]),
    () => rotate(999),
    () => rotateScale(5, [1, 0.5]),
  ]) {
    assert.instance(await failure(make), RangeError);
  }
});

test.run();
