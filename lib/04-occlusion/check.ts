import type { tf } from '../tf/backend';
import { checkImage } from '../image/check';
import type { ImageModel } from '../model/model';
import { classOf, type ClassTarget } from '../model/target';
import { given } from '../model/given';

const whole = (value: number, from: number, to: number) => Number.isInteger(value) && value >= from && value <= to;

/**
 * Checks every argument before the first operation: on wasm an index out of range would end the backend.
 *
 * @returns the number of the class
 */
export async function checkOcclusion(
  model: ImageModel,
  image: tf.Tensor3D,
  target: ClassTarget,
  { size, stride, batchSize, layer }: { size: number; stride: number; batchSize?: number; layer?: string },
): Promise<number> {
  await checkImage(image);
  const [height, width] = given(model).inputSize;
  if (image.shape[0] !== height || image.shape[1] !== width) {
    throw new RangeError(
      `${model.title} 的输入应为 [${height}, ${width}, 3]，得到 [${image.shape.join(', ')}]；` +
        `请用 await loadImage(来源, { size: ${height === width ? height : `[${height}, ${width}]`} }) 读入图片`,
    );
  }
  const classIndex = classOf(model, target);
  if (!whole(size, 1, Math.min(height, width))) {
    throw new RangeError(
      `方块边长 size 应为 1 到 ${Math.min(height, width)}（图像短边）的整数，得到 ${size}；请减小 size，常用 20 到 60`,
    );
  }
  if (!whole(stride, 1, size)) {
    throw new RangeError(`步幅 stride 应为 1 到 ${size}（方块边长，再大就会漏掉像素）的整数，得到 ${stride}`);
  }
  if (batchSize !== undefined && !whole(batchSize, 1, 4096)) {
    throw new RangeError(`batchSize 应为 1 到 4096 的整数，得到 ${batchSize}`);
  }
  if (layer === undefined) return classIndex;
  model.layerName(layer);
  const { shape } = model.layers.find((l) => l.name === layer)!;
  if (shape.length !== 3) {
    const spatial = model.layers.filter((l) => l.shape.length === 3).map((l) => l.name);
    throw new RangeError(
      `层 ${layer} 的输出是 [${shape.join(', ')}]，没有空间位置，谈不上特征图；请换成有空间的层，如 ${spatial.slice(-3).join('、')}`,
    );
  }
  return classIndex;
}
