import { tf } from '../tf/backend';
import { gradientAt } from '../tf/tape';
import { inputGradient } from './gradients';
import { checkImageNow } from '../image/check';
import type { ImageModel } from '../model/model';
import { resolveTarget, seedGradient, type Target } from '../model/target';
import { given } from '../model/given';

export interface GradCam {
  /** `[h, w]`，与图像同样大小（双线性放大），不小于 0，由调用者 dispose。 */
  readonly map: tf.Tensor2D;
  /** 放大之前：那一层的 `[行, 列]`，由调用者 dispose。 */
  readonly coarse: tf.Tensor2D;
  /** 在哪一层上加的权。 */
  readonly layer: string;
}

export interface GradCamOptions {
  /** 在哪一层的特征图上加权，缺省 `model.roles.stages` 的最后一层。 */
  layer?: string;
}

/**
 * 梯度加权的类激活图（Grad-CAM）：把最后一层的各张特征图按"得分对它的平均梯度"加权求和，只留正的部分。
 * 粗（只有特征图那么细），但指得出物体在哪里。
 *
 * @param image `[h, w, 3]`，RGB，[0, 1]；不会被 dispose
 * @param target 类别或更高层的神经元，与 inputGradient 的相同
 * @throws RangeError 层不对，或不是特征图 [h, w, c]，或不在 target 之下
 * @see Selvaraju 等 2017 (arXiv:1610.02391)
 * @example
 * const { map, coarse } = gradCam(model, image, { class: 387 });
 * await showHeatmap(map, { image });
 * dispose(map, coarse);
 */
export function gradCam(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  { layer = given(model).roles.stages[4] }: GradCamOptions = {},
): GradCam {
  const resolved = resolveTarget(model, target);
  checkImageNow(image);
  const info = model.layers.find((l) => l.name === model.layerName(layer))!;
  if (info.shape.length !== 3)
    throw new RangeError(`Grad-CAM 需要特征图 [h, w, c]，而 ${layer} 是 [${info.shape.join(', ')}]`);
  if (layer === resolved.layer) throw new RangeError(`Grad-CAM 的层应在 ${resolved.layer} 之下，不能是它自己`);
  const [map, coarse] = tf.tidy(() => {
    const images = tf.expandDims(image, 0) as tf.Tensor4D;
    const found = gradientAt(() => {
      const [features, top] = model.forward(images, [layer, resolved.layer]);
      return { value: tf.sum(tf.mul(top, seedGradient(top, [resolved]))) as tf.Scalar, at: features };
    });
    if (!found) throw new RangeError(`${layer} 不在 ${resolved.layer} 之下：得分不依赖它`);
    const { gradient, at } = found;
    const weights = tf.mean(gradient, [1, 2], true);
    const small = tf.relu(tf.sum(tf.mul(at, weights), 3, true)) as tf.Tensor4D;
    const [height, width] = model.inputSize;
    return [
      tf.squeeze(tf.image.resizeBilinear(small, [height, width], false, true), [0, 3]) as tf.Tensor2D,
      tf.squeeze(small, [0, 3]) as tf.Tensor2D,
    ];
  });
  return { map, coarse, layer };
}

/**
 * 导向的 Grad-CAM（guided Grad-CAM）：导向反向传播的图逐像素乘以 Grad-CAM，细而且指得出位置。
 *
 * @returns `[h, w, 3]`，带符号，由调用者 dispose
 * @example
 * const map = guidedGradCam(model, image, { class: 387 });
 * dispose(map);
 */
export function guidedGradCam(
  model: ImageModel,
  image: tf.Tensor3D,
  target: Target,
  options: GradCamOptions = {},
): tf.Tensor3D {
  return tf.tidy(() => {
    const { map } = gradCam(model, image, target, options);
    return tf.mul(inputGradient(model, image, target, { rule: 'guided' }), tf.expandDims(map, 2)) as tf.Tensor3D;
  });
}
