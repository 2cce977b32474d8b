/**
 * 《看懂卷积网络》的函数库（convscope）：笔记本只从这里导入。
 * 每一章的想法在同名的模块里：filters、patches、embedding、occlusion、gradients、optimize、inversion、adversarial。
 */
export { type Backend, type BackendName, startBackend, tf } from './backend';
export { type ClassLabel, findClass, imageNetClasses } from './classes';
export { loadCourseModel } from './course-model';
export { CourseError } from './errors';
export { assertImage, encodeJpeg, encodePng, loadImage, type LoadImageOptions, type PhotoBox } from './image';
export { type ClassScore, classify, type ImageModel, type LayerInfo, type ReceptiveField, type Roles } from './model';
export { loadModel, type LoadOptions, type NetworkId } from './networks/load';
export { coursePhotos, type Photo, photo, photosIn } from './photos';
export { randomGenerator } from './random';

// 01 卷积核权值
export * from './filters';
// 02 最大激活图块
export { type ChannelPatches, type Patch, patchImage, patchPurity, scanPhotos, topPatches } from './patches';
// 03 高维表征
export * from './embedding';
export * from './features';
export { type ThumbnailMap, thumbnailGrid, thumbnailMap } from './thumbnails';
// 05 去卷积方法
export {
  type Attribution,
  type IntegratedGradients,
  integratedGradients,
  type SmoothGrad,
  smoothGrad,
} from './attributions';
export { type FeatureMapOptions, featureMapGradients, strongestUnits, type StrongUnit } from './feature-map-gradients';
export { type GradCam, gradCam, guidedGradCam } from './grad-cam';
export { explainRule, type RuleExplanation } from './gradient-rules';
export { backProject, type GradientOptions, inputGradient, type Rule, RULES, withRule } from './gradients';
export * from './metrics';
export { type InsertionDeletion, insertionDeletion, randomDirection, responseAlong } from './perturbation';
export * from './saliency';
export { cascadingRandomisation, type RandomisationTest, weightedLayers } from './sanity';
export { fixTarget, type Position, type Target, targetValue, targetValues } from './target';

// 练习
export { check } from './checks/all';

export * from './show/index';
