/**
 * 《看懂卷积网络》的函数库（convscope）：笔记本只从这里导入。
 * 每一章的想法在与笔记本同名的文件夹里：01-filters 到 09-your-own；其余的房间见 CONTRIBUTING.md。
 */
export { type Backend, type BackendName, startBackend, tf } from './tf/backend';
export { type ClassLabel, findClass, imageNetClasses } from './model/classes';
export { loadCourseModel } from './course/course-model';
export { dispose, type Releasable } from './base/dispose';
export { CourseError } from './base/errors';
export { type LongRun, type RunStep, type StopReason } from './base/interrupt';
export { encodeJpeg, encodePng, loadImage, type LoadImageOptions, type PhotoBox } from './image/image';
export { type ClassScore, classify } from './model/classify';
export { type ImageModel, type LayerInfo, type ReceptiveField, type ReceptiveFields, type Roles } from './model/model';
export { type ClassTarget, type Position, type Target, targetValue } from './model/target';
export { loadModel, type LoadOptions, type NetworkId } from './model/networks/load';
export { networkFilesPresent } from './model/weights/present';
export { untrainedModel } from './model/networks/untrained';
export { loadOwnModel } from './09-your-own/load';
export { fromLayersModel, type OwnModelOptions, type Preprocess } from './09-your-own/from-layers';
export { saveOwnModel } from './09-your-own/save';
export { swapSurround } from './09-your-own/surround';
export { coursePhotos, type Photo, photo } from './image/photos';
export { photosIn } from './image/photos-in';
export { randomGenerator, shuffled } from './base/random';
export * from './base/statistics';

// 01 卷积核权值
export { type ExpandedOptions, expandedKernel, type KernelInput, kernelInputs } from './01-filters/expanded';
export * from './01-filters/filters';
export { smoothNoise } from './01-filters/smooth-noise';
// 02 最大激活图块
export { type EffectiveFields, effectiveFields } from './02-patches/effective-field';
export { patchImage, type PatchImageOptions, patchSheets } from './02-patches/patch-image';
export { type ChannelPatches, type Patch, scanPhotos, topPatches } from './02-patches/patches';
export * from './02-patches/purity';
// 03 高维表征
export * from './03-embedding/embedding';
export * from './03-embedding/features';
export { type ThumbnailMap, thumbnailGrid, thumbnailMap } from './03-embedding/thumbnails';
// 04 遮挡实验
export { centreMap, smoothRandomMap } from './04-occlusion/control-maps';
export { type Correspondence, correspondence, type SignDifference } from './04-occlusion/correspondence';
export {
  courseFaces,
  courseObjects,
  type Face,
  FACE_PARTS,
  landmarkIn,
  type MarkedObject,
  objectIn,
} from './04-occlusion/landmarks';
export { meanInside, type Region } from './04-occlusion/inside';
export { type OcclusionMap, occlusionMap, type OcclusionOptions, type OcclusionStep } from './04-occlusion/occlusion';
// 05 去卷积方法
export { coherence, energyShare, fieldMask, objectMask } from './05-deconv/clarity';
export { pixelNoise, type PixelNoiseOptions } from './05-deconv/pixel-noise';
export { type Attribution, type SmoothGrad, smoothGrad } from './05-deconv/smooth-grad';
export {
  type FeatureMapGradients,
  type FeatureMapOptions,
  featureMapGradients,
  strongestUnits,
  type StrongUnit,
} from './05-deconv/feature-map-gradients';
export { type GradCam, gradCam, guidedGradCam } from './05-deconv/grad-cam';
export { explainRule, type RuleExplanation } from './05-deconv/explain-rule';
export { type GradientOptions, inputGradient, type Rule, RULES, withRule } from './05-deconv/gradients';
export { type IntegratedGradients, integratedGradients } from './05-deconv/integrated-gradients';
export { cosine, l2Norm, lInfNorm, type Numbers, pearson, ranks, spearman, ssim } from './image/metrics';
export { type InsertionDeletion, insertionDeletion, randomDirection, responseAlong } from './05-deconv/perturbation';
export { type ProjectionSheet, projectionSheets } from './05-deconv/projection-sheets';
export { patchProjections, type PatchProjections } from './05-deconv/projections';
export * from './05-deconv/saliency';
export { cascadingRandomisation, type RandomisationTest } from './05-deconv/sanity';

// 06 图像最优化
export { type DreamOptions, dream } from './06-optimization/dream';
export { diverse } from './06-optimization/diversity';
export { fourier } from './06-optimization/fourier';
export { judge, type Judgement } from './06-optimization/judge';
export { livePicture } from './show/live';
export { type Naturalness, naturalness } from './06-optimization/naturalness';
export { maximize, type MaximizeOptions, type Optimized, type OptimizeStep } from './06-optimization/optimize';
export { type Parametrization, pixels } from './06-optimization/parametrization';
export { type Preset, yosinskiPresets } from './06-optimization/presets';
export { readRecord } from './show/records';
/** 目标、惩罚项、投影、步进规则、变换：各是一族函数，写作 objective.classScore(130)、penalty.l2(0.1)……*/
export * as objective from './06-optimization/objectives';
export * as penalty from './06-optimization/penalties';
export * as projection from './06-optimization/projections';
export * as step from './06-optimization/steps';
export * as transform from './06-optimization/transforms';
export type { At, BoundObjective, Objective } from './06-optimization/objectives';
export type { Penalty } from './06-optimization/penalties';
export type { Projection } from './06-optimization/projections';
export type { Rate, Step } from './06-optimization/steps';
export type { Transform } from './06-optimization/transforms';
// 07 特征反演
export {
  type CodePart,
  type InversionError,
  type InversionSettings,
  invert,
  type Inverted,
  type InvertOptions,
  mahendranPreset,
} from './07-inversion/inversion';
export * from './07-inversion/measures';
// 08 对抗样本
export * from './08-adversarial/attacks';
export { type DecisionPlane, decisionPlane } from './08-adversarial/decision-plane';
export { type DeepFoolOptions, deepFool } from './08-adversarial/deepfool';
export * from './08-adversarial/directions';
export * from './08-adversarial/linear-growth';
export type { AttackGoal, AttackLoss } from './08-adversarial/losses';
export {
  loadPhoto,
  type Retest,
  retest,
  type RightPhoto,
  type RightPhotos,
  rightPhotos,
  type SmallestEpsilon,
  smallestEpsilon,
  type SmallestEpsilonOptions,
  throughJpeg,
} from './08-adversarial/robustness';
export { type ShapeImages, shapeImages, type ShapeOptions } from './08-adversarial/shapes';
export { frequencyBand, type PowerSpectrum, powerSpectrum } from './08-adversarial/spectrum';
export {
  attackBatch,
  batchAccuracy,
  type TrainedShapes,
  type TrainingOptions,
  trainShapes,
} from './08-adversarial/training';
export { type Transfer, transfer, type TransferOptions } from './08-adversarial/transfer';
export {
  type FoolingRate,
  foolingRate,
  type Universal,
  universal,
  type UniversalOptions,
} from './08-adversarial/universal';
// 练习
export { check } from './course/check';

export * from './show/index';
