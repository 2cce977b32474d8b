import { tf } from './tf';

/** The attributes of TF.js' StridedSlice kernel. */
export interface StridedSliceAttributes {
  begin: number[];
  end: number[];
  strides: number[];
  beginMask: number;
  endMask: number;
  ellipsisMask: number;
  newAxisMask: number;
  shrinkAxisMask: number;
}

/** Where a strided slice begins, ends and steps on every axis, with its masks worked in. */
export const sliceInfo = (shape: number[], a: StridedSliceAttributes) =>
  tf.slice_util.sliceInfo(shape, a.begin, a.end, a.strides, a.beginMask, a.endMask, a.ellipsisMask, a.newAxisMask, a.shrinkAxisMask); // prettier-ignore
