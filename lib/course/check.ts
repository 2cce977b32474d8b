import * as adversarial from '../08-adversarial/checks';
import * as embedding from '../03-embedding/checks';
import * as deconv from '../05-deconv/checks';
import * as filters from '../01-filters/checks';
import * as inversion from '../07-inversion/checks';
import * as occlusion from '../04-occlusion/checks';
import * as overview from './overview-checks';
import * as patches from '../02-patches/checks';
import * as optimization from '../06-optimization/checks';
import * as yourOwn from '../09-your-own/checks';

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
