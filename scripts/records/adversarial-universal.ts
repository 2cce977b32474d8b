import { foolingRate, universal } from '../../lib/08-adversarial/universal';
import { loadPhoto, rightPhotos } from '../../lib/08-adversarial/robustness';
import { signNoise } from '../../lib/08-adversarial/directions';
import { tf } from '../../lib/tf/backend';
import type { ImageModel } from '../../lib/model/model';
import { loadModel } from '../../lib/model/networks/load';
import { coursePhotos, type Photo } from '../../lib/image/photos';
import { showGrid } from '../../lib/show/grid';
import { capturePng } from '../../lib/show/record';
import type { Recipe } from './recipe';

async function batch(model: ImageModel, photos: readonly Photo[]): Promise<tf.Tensor4D> {
  const images: tf.Tensor3D[] = [];
  for (const photo of photos) images.push(await loadPhoto(model, photo));
  const stacked = tf.stack(images) as tf.Tensor4D;
  tf.dispose(images);
  return stacked;
}

/**
 * One perturbation for all photos: made from some, tested on others. The test photos are labelled ones that the network
 * gets right: elsewhere it is unsure, and noise of the same size changes its mind as well.
 */
export const recipe: Recipe = {
  name: 'adversarial-universal',
  title: '普适扰动：在 120 张照片上求出，在另外 46 张认对的照片上检验',
  settings: { model: 'squeezenet', train: 120, epsilon: '10/255', epochs: 5, jitter: 16 },
  seed: 0,
  tolerance: 0.15,
  // the mean margin ends near 0: the same share of how far it rises
  absolute: { last: 0.6 },
  async run(settings, seed) {
    const model = await loadModel('squeezenet');
    const right = (await rightPhotos(model, coursePhotos({ labelled: true }))).photos.map(({ photo }) => photo.file);
    const held = new Set(right.filter((_, i) => i % 2 === 1));
    const rest = coursePhotos({ background: 'scene' }).filter(({ file }) => !held.has(file));
    const count = settings.train as number;
    const chosen = Array.from({ length: count }, (_, i) => rest[Math.floor((i * rest.length) / count)]);
    const train = await batch(model, chosen);
    const test = await batch(
      model,
      coursePhotos({ labelled: true }).filter(({ file }) => held.has(file)),
    );
    const epsilon = 10 / 255;
    const { perturbation, trace } = await universal(model, train, { epsilon, epochs: settings.epochs as number, seed });
    const noise = signNoise(perturbation, epsilon, { seed });
    const [seen, fresh, random] = [
      await foolingRate(model, train, perturbation),
      await foolingRate(model, test, perturbation),
      await foolingRate(model, test, noise),
    ];
    const examples = fresh.after.flatMap((c, i) => (c !== fresh.before[i] ? [i] : [])).slice(0, 4);
    const pictures = tf.tidy(() => {
      const shown = tf.add(tf.div(perturbation, 2 * epsilon), 0.5) as tf.Tensor3D;
      const moved = examples.map((i) => {
        const photo = tf.squeeze(tf.slice(test, [i, 0, 0, 0], [1, -1, -1, -1]), [0]);
        return tf.clipByValue(tf.add(photo, perturbation), 0, 1) as tf.Tensor3D;
      });
      return [shown, ...moved];
    });
    const zh = (index: number) => model.classes[index].zh;
    const captions = ['扰动（放大显示）', ...examples.map((i) => `${zh(fresh.before[i])} → ${zh(fresh.after[i])}`)];
    const sheet = await capturePng(() => showGrid(pictures, { columns: 5, tile: 227, captions }));
    tf.dispose([train, test, perturbation, noise, ...pictures]);
    model.dispose();
    const numbers = {
      tested: held.size,
      seen: seen.rate,
      fresh: fresh.rate,
      noise: random.rate,
      first: trace[0],
      last: trace[trace.length - 1],
    };
    return { numbers, images: { '': sheet } };
  },
};
