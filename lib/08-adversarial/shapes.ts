import { tf } from '../tf/backend';
import { type RandomGenerator, randomGenerator } from '../base/random';
import { checkCounts, checkNumber } from '../base/check';

/** 小图的边长，像素。 */
export const SHAPE_SIZE = 32;

/** Distance to a shape's edge, negative inside: with it one line draws any of them with a soft edge. */
type Distance = (x: number, y: number, r: number) => number;

const box = (x: number, y: number, w: number, h: number) => Math.max(Math.abs(x) - w, Math.abs(y) - h);
// In units of the radius, so that the shapes cover about the same area (the triangle half of it); 0.866 and 0.5 are the
// cosine and the sine of 30°.
const DISTANCES: Readonly<Record<string, Distance>> = {
  圆: (x, y, r) => Math.hypot(x, y) - r,
  方: (x, y, r) => box(x, y, 0.85 * r, 0.85 * r),
  三角: (x, y, r) => Math.max(0.866 * Math.abs(x) - 0.5 * y, y) - 0.55 * r,
  十字: (x, y, r) => Math.min(box(x, y, 1.1 * r, 0.38 * r), box(x, y, 0.38 * r, 1.1 * r)),
  环: (x, y, r) => Math.abs(Math.hypot(x, y) - 0.8 * r) - 0.28 * r,
};

/** 五种形状，也就是五个类别（shape classes）。 */
export const SHAPES: readonly string[] = Object.keys(DISTANCES);

/** Waves per pixel across and down: fast gratings of five directions, one for each class. */
const GRATINGS: readonly (readonly [number, number])[] = [
  [0.5, 0],
  [0, 0.5],
  [0.5, 0.5],
  [0.25, 0.5],
  [0.5, 0.25],
];

export interface ShapeOptions {
  /** 随机种子，默认 0；同一个种子给出同样的结果。 */
  seed?: number;
  /** 藏在图里的条纹的振幅（pattern amplitude），[0, 1] 单位；默认 0.04：看得见，但淡得不会有人拿它当作形状。0 就没有。 */
  pattern?: number;
  /** 条纹是哪一类的：'own'（默认）与形状同类，'other' 是别的一类：形状与条纹说的不一样。 */
  agrees?: 'own' | 'other';
  /** 每个数的随机噪声的标准差，默认 0.03。 */
  noise?: number;
}

export interface ShapeImages {
  /** `[n, 32, 32, 3]`，RGB，[0, 1]；由调用者 dispose，masks 也是。 */
  readonly images: tf.Tensor4D;
  /** `[n, 32, 32]`，形状盖住每个像素多少，0 到 1。 */
  readonly masks: tf.Tensor3D;
  /** 每幅图的类别：trainShapes 的 `model.classes` 里的第几个。 */
  readonly labels: readonly number[];
}

/**
 * 自己画的小图（shape images）：一个有颜色的形状，在随机的背景上；再加一层很淡的条纹，方向由类别决定。
 *
 * 人看的是形状；条纹也说出类别，却很小的扰动就能改掉（Ilyas 等人所说的"不鲁棒的特征"）。因为两样都是我们自己放进去的，
 * 网络用的是哪一样，可以量出来。
 *
 * @param count 几幅；类别轮流出现
 * @returns images 与 masks 由调用者 dispose
 * @example
 * const { images, masks, labels } = shapeImages(4, { seed: 1 });
 * dispose(images, masks);
 */
export function shapeImages(count: number, options: ShapeOptions = {}): ShapeImages {
  const { seed = 0, pattern = 0.04, agrees = 'own', noise = 0.03 } = options;
  checkCounts({ count });
  checkNumber('pattern', pattern, 0, 1);
  checkNumber('noise', noise, 0, 1);
  if (agrees !== 'own' && agrees !== 'other') {
    throw new RangeError(`agrees 应为 'own' 或 'other'，得到 '${String(agrees)}'`);
  }
  const random = randomGenerator(seed);
  const pixels = new Float32Array(count * SHAPE_SIZE ** 2 * 3);
  const covers = new Float32Array(count * SHAPE_SIZE ** 2);
  const labels = Array.from({ length: count }, (_, i) => i % SHAPES.length);
  labels.forEach((label, i) => {
    // Drawn in either case: the pictures are then the same but for their stripes.
    const another = 1 + random.integer(SHAPES.length - 1);
    const shift = agrees === 'own' ? 0 : another;
    const grating = GRATINGS[(label + shift) % SHAPES.length];
    const area = SHAPE_SIZE ** 2;
    const image = pixels.subarray(3 * i * area, 3 * (i + 1) * area);
    draw({ label, grating, pattern, noise }, image, covers.subarray(i * area, (i + 1) * area), random);
  });
  const images = tf.tensor4d(pixels, [count, SHAPE_SIZE, SHAPE_SIZE, 3]);
  return { images, masks: tf.tensor3d(covers, [count, SHAPE_SIZE, SHAPE_SIZE]), labels };
}

interface Drawing {
  readonly label: number;
  readonly grating: readonly [number, number];
  readonly pattern: number;
  readonly noise: number;
}

function draw(drawing: Drawing, image: Float32Array, cover: Float32Array, random: RandomGenerator): void {
  const { label, grating, pattern, noise } = drawing;
  const distance = DISTANCES[SHAPES[label]];
  // centre and size vary as far as a shape stays within the picture; the paint is clearly lighter than the background
  const [cx, cy] = [0, 1].map(() => SHAPE_SIZE / 2 + 6 * (random.uniform() - 0.5));
  const radius = 8 + 3 * random.uniform();
  const turn = 0.6 * (random.uniform() - 0.5);
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const back = [0, 1, 2].map(() => 0.25 + 0.2 * random.uniform());
  const paint = back.map((v) => v + 0.25 + 0.2 * random.uniform());
  // A slope of the light, so that the background is no constant either.
  const [lightX, lightY] = [0, 1].map(() => 0.1 * (random.uniform() - 0.5));
  for (let p = 0; p < cover.length; p++) {
    const [x, y] = [p % SHAPE_SIZE, Math.floor(p / SHAPE_SIZE)];
    const [dx, dy] = [x + 0.5 - cx, y + 0.5 - cy];
    cover[p] = Math.min(1, Math.max(0, 0.5 - distance(cos * dx + sin * dy, cos * dy - sin * dx, radius)));
    const wave = pattern * Math.sign(Math.cos(2 * Math.PI * (grating[0] * x + grating[1] * y) + 0.1));
    const light = lightX * (dx / 16) + lightY * (dy / 16) + wave;
    for (let c = 0; c < 3; c++) {
      const value = back[c] + (paint[c] - back[c]) * cover[p] + light + noise * random.normal();
      image[3 * p + c] = Math.min(1, Math.max(0, value));
    }
  }
}
