import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { tf } from '../tf/backend';
import { checkText } from '../base/check';
import { CourseError } from '../base/errors';
import { placeOf } from '../base/paths';

/**
 * 把一个网络存成文件夹（save your own network）：model.json 和 weights.bin，下次用 loadOwnModel 载入，也可以拷给别人。
 *
 * @param network 自己训练的 `tf.LayersModel`；不会被改动
 * @param folder 文件夹（也可以写 `file://…`、`~/…`），没有就新建；里面已有的网络会被换掉；相对路径从笔记本所在的文件夹算起
 * @returns model.json 的完整路径
 * @throws TypeError 不是 LayersModel；CourseError 写不进这个文件夹
 * @example
 * const network = tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [32, 32, 3], filters: 4, kernelSize: 3 })] });
 * const file = await saveOwnModel(network, '我的网络');
 * network.dispose();
 */
export async function saveOwnModel(network: tf.LayersModel, folder: string): Promise<string> {
  if (!(network instanceof tf.LayersModel)) {
    throw new TypeError(
      'saveOwnModel 存的是 tf.LayersModel（自己训练的网络）；课程的网络不用存，loadModel 随时能载入。',
    );
  }
  const place = placeOf(checkText(folder, '文件夹的名字'));
  const top = path.join(place, 'model.json');
  const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    await fs.mkdir(place, { recursive: true });
    await fs.writeFile(path.join(place, 'weights.bin'), Buffer.from(weightData as ArrayBuffer));
    await fs.writeFile(top, JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  try {
    await network.save(handler);
  } catch (error) {
    throw new CourseError(`网络写不进 ${place}：${(error as Error).message}。请换一个文件夹。`, { cause: error });
  }
  return top;
}
