import * as adversarial from './adversarial';
import * as embedding from './embedding';
import * as deconv from './deconv';
import * as filters from './filters';
import * as inversion from './inversion';
import * as occlusion from './occlusion';
import * as overview from './overview';
import * as patches from './patches';
import * as optimization from './optimization';
import * as yourOwn from './your-own';

/** 各章练习的检查函数（exercise checks）：`check.名称(答案)` 说对不对，错的时候说最像哪一种常见的错误。 */
export const check = {
  ...overview,
  ...patches,
  ...deconv,
  ...embedding,
  ...filters,
  ...occlusion,
  ...optimization,
  ...inversion,
  ...adversarial,
  ...yourOwn,
};
