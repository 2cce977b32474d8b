import { tf } from '../../tf/backend';
import { randomGenerator } from '../../base/random';
import type { ImageModel } from '../model';
import { loadModel, type LoadOptions, type NetworkId } from './load';

/**
 * 同样结构、没有训练过的网络（untrained network）：卷积核与全连接的权值从正态分布抽取，标准差 √(2 / 每个单元的输入个数)
 * （He 等 2015），偏置为 0。结构的作用与学习的作用就分得开了。
 *
 * @param id 课程里的一个网络，见 loadModel
 * @param options `seed` 随机种子，缺省 0；其余同 loadModel
 * @returns 新的 ImageModel，由调用者 dispose；`weightsId` 是 undefined，所以不进任何磁盘缓存
 * @throws 与 loadModel 相同
 * @see He, Zhang, Ren, Sun 2015 (arXiv:1502.01852)
 * @example
 * const blank = await untrainedModel('alexnet', { seed: 1 });
 * blank.dispose();
 */
export async function untrainedModel(
  id: NetworkId,
  { seed = 0, ...options }: LoadOptions & { seed?: number } = {},
): Promise<ImageModel> {
  const model = await loadModel(id, options);
  const random = randomGenerator(seed);
  for (const layer of model.network.layers) {
    const fresh = layer.getWeights().map((weight) => {
      // [rows, cols, in, out], [rows, cols, channels, 1] (depthwise), [in, out]; a bias has one axis
      const fanIn = weight.shape.slice(0, -1).reduce((a, b) => a * b, 1);
      const inputs = layer.getClassName().startsWith('Depthwise') ? weight.shape[0] * weight.shape[1]! : fanIn;
      const spread = weight.rank > 1 ? Math.sqrt(2 / inputs) : 0;
      return tf.tensor(
        Float32Array.from({ length: weight.size }, () => spread * random.normal()),
        weight.shape,
      );
    });
    if (fresh.length) layer.setWeights(fresh);
    tf.dispose(fresh);
  }
  return { ...model, title: `${model.title}，未训练`, weightsId: undefined };
}
