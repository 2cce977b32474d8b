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
export { loadOwnModel } from './own-files';
export { fromLayersModel, type OwnModelOptions, type Preprocess } from './own-model';
export { saveOwnModel } from './own-save';
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
// 04 遮挡实验
export {
  type Correspondence,
  correspondence,
  signDifference,
  type SignDifference,
  signPattern,
} from './correspondence';
export {
  courseFaces,
  courseObjects,
  type Face,
  FACE_PARTS,
  landmarkIn,
  type MarkedObject,
  objectIn,
} from './landmarks';
export { type OcclusionMap, occlusionMap, type OcclusionOptions, type OcclusionStep } from './occlusion';
// 05 去卷积方法
export { type Attribution, type SmoothGrad, smoothGrad } from './attributions';
export { type FeatureMapOptions, featureMapGradients, strongestUnits, type StrongUnit } from './feature-map-gradients';
export { type GradCam, gradCam, guidedGradCam } from './grad-cam';
export { explainRule, type RuleExplanation } from './gradient-rules';
export { backProject, type GradientOptions, inputGradient, type Rule, RULES, withRule } from './gradients';
export { type IntegratedGradients, integratedGradients } from './integrated-gradients';
export * from './metrics';
export { type InsertionDeletion, insertionDeletion, randomDirection, responseAlong } from './perturbation';
export { patchProjections, type PatchProjections } from './projections';
export * from './saliency';
export { cascadingRandomisation, type RandomisationTest, weightedLayers } from './sanity';
export { fixTarget, type Position, type Target, targetValue, targetValues } from './target';

// 07 特征反演
export * from './inversion';
export * from './inversion-measures';
// 08 对抗样本
export * from './adversarial';
export { type DeepFoolOptions, deepFool } from './adversarial-deepfool';
export * from './adversarial-directions';
export * from './adversarial-linear';
export type { AttackGoal, AttackLoss } from './adversarial-losses';
export * from './adversarial-robustness';
export { type Transfer, transfer, type TransferOptions } from './adversarial-transfer';
export { foolingRate, type Universal, universal, type UniversalOptions } from './adversarial-universal';
// 06 图像最优化
export { diverse, similarity } from './diversity';
export { fourier, PHOTO_COLOURS } from './fourier';
export { livePicture } from './show/live';
export { type Naturalness, naturalness } from './naturalness';
export * from './objectives';
export { maximize, type MaximizeOptions, type Optimized, type OptimizeStep } from './optimize';
export { type Parametrization, pixels } from './parametrization';
export { fourierPreset, type Preset, simonyanPreset, yosinskiPresets } from './presets';
export { readRecord } from './records';
export {
  alphaNorm,
  blur,
  bounds,
  clipContribution,
  clipNorm,
  decay,
  l2,
  type Penalty,
  type Projection,
  totalVariation,
} from './regularizers';
export { adam, byProgress, momentum, normalized, plain, type Rate, sign, type Step } from './steps';
export { jitter, pad, rotate, scale, type Transform } from './transforms';

// 练习
export { check } from './checks/all';

export * from './show/index';
