import { randomGenerator, shuffled } from '../base/random';
import { checkCounts, checkList } from '../base/check';
import { checkPhotos, type Photo } from '../image/photos';
import { type ChannelPatches, checkChannel } from './patches';

/** 照片的标签（label），缺省是照片的类别。 */
export type PhotoLabel = (photo: Photo) => string;
const category: PhotoLabel = (photo) => photo.category;

/**
 * 一批照片的纯度（purity）：最多的那个类别占几成，1 为全是同一类。
 *
 * @param label 按什么分类，缺省照片的 `category`
 * @returns (0, 1]；没有照片时 0
 * @example
 * photoPurity(coursePhotos({ category: 'bird' }).slice(0, 9)); // 1
 */
export function photoPurity(photos: readonly Photo[], label: PhotoLabel = category): number {
  const counts = new Map<string, number>();
  for (const photo of checkPhotos(photos, 0)) counts.set(label(photo), (counts.get(label(photo)) ?? 0) + 1);
  return photos.length ? Math.max(...counts.values()) / photos.length : 0;
}

/**
 * 前几名的纯度（purity of the top patches）：挑选"说得清的通道"的一种尺度，见 photoPurity。
 *
 * @example
 * const channels = await topPatches(model, coursePhotos().slice(0, 12), model.roles.lastPool);
 * const purities = channels.map((channel) => patchPurity(channel));
 */
export const patchPurity = (channel: ChannelPatches, label: PhotoLabel = category): number =>
  photoPurity(checkChannel(channel).patches.map(({ photo }) => photo), label); // prettier-ignore

/**
 * 打乱类别之后的纯度（permutation control）：图块一块不换，只把各张照片的类别互相对调，再求各通道纯度的平均；
 * 重复 `shuffles` 次。照片在各通道里重复出现的方式、各类的张数都与真的一样，只有"内容"没有了。
 *
 * @param photos 扫描过的全部照片：在它们之间对调
 * @param options `shuffles` 次数，缺省 500；`seed` 缺省 0；`label` 见 photoPurity
 * @returns 每次的平均纯度，由小到大
 * @throws RangeError 没有通道、没有照片、shuffles 不是正整数
 * @example
 * const photos = coursePhotos().slice(0, 12);
 * const channels = await topPatches(model, photos, model.roles.lastPool);
 * const chance = shuffledPurity(channels, photos, { shuffles: 20 });
 */
export function shuffledPurity(
  channels: readonly ChannelPatches[],
  photos: readonly Photo[],
  { shuffles = 500, seed = 0, label = category }: { shuffles?: number; seed?: number; label?: PhotoLabel } = {},
): number[] {
  if (!checkList('channels', channels, checkChannel).length || !checkPhotos(photos, 0).length)
    throw new RangeError('至少要有一个通道和一张照片');
  checkCounts({ shuffles });
  const random = randomGenerator(seed);
  let labels = photos.map(label);
  const once = () => {
    labels = shuffled(labels, random);
    const given = new Map(photos.map((photo, i) => [photo, labels[i]]));
    const purities = channels.map((channel) => patchPurity(channel, (photo) => given.get(photo) ?? label(photo)));
    return purities.reduce((a, b) => a + b, 0) / channels.length;
  };
  return Array.from({ length: shuffles }, once).sort((a, b) => a - b);
}
