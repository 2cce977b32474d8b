import * as fs from 'node:fs';
import * as path from 'node:path';
import { checkFields, checkNumber } from '../base/check';
import { CourseError, unknownName } from '../base/errors';
import { projectRoot } from '../base/paths';
import { photo, type Photo } from '../image/photos';

/** 手工标注（landmarks）：课程照片里正脸的眼睛与鼻子，和主体所在的方框；文件 data/photos/landmarks.json。 */

export type FacePart = 'rightEye' | 'leftEye' | 'nose';
export const FACE_PARTS: readonly FacePart[] = ['rightEye', 'leftEye', 'nose'];

type Point = readonly [x: number, y: number];

/** 一张正脸（frontal face）：手工标出的眼睛与鼻子，单位是照片的像素 [x, y]；左右是动物自己的左右。 */
export interface Face extends Readonly<Record<FacePart, Point>> {
  /** 所在的照片。 */
  readonly photo: Photo;
  /** 头部的方框 [x, y, 宽, 高]，可直接交给 loadImage 的 crop。 */
  readonly box: readonly [number, number, number, number];
}

interface Marks {
  readonly faces: readonly (Omit<Face, 'photo'> & { readonly file: string })[];
  readonly objects: readonly (Omit<MarkedObject, 'photo'> & { readonly file: string })[];
}

function readMarks(): Marks {
  const file = path.join(projectRoot(), 'data', 'photos', 'landmarks.json');
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Marks;
  } catch (error) {
    throw new CourseError(`读不了标注文件 ${file}：${(error as Error).message}。请重新取得 data/photos 文件夹。`);
  }
}

/**
 * 标注点在裁剪并缩放到 size 的图里的位置 [行, 列]（row, column in the loaded crop）。
 * @example
 * const [row, col] = landmarkIn(courseFaces()[0], 'nose', 224);
 */
export function landmarkIn(face: Face, part: FacePart, size: number): [row: number, col: number] {
  if (!FACE_PARTS.includes(part)) throw unknownName('部位', part, FACE_PARTS);
  const [x, y] = checkFields('face', face, ['box', part], ' courseFaces() 的一项')[part];
  checkNumber('size', size, 1);
  const scale = size / face.box[2];
  return [(y + 0.5 - face.box[1]) * scale, (x + 0.5 - face.box[0]) * scale];
}

/** 一张照片的主体（subject）所在的方框，与显示时裁出的正方形；都是照片的像素 [x, y, 宽, 高]。 */
export interface MarkedObject {
  /** 所在的照片。 */
  readonly photo: Photo;
  /** 显示时裁出的正方形 [x, y, 宽, 高]。 */
  readonly crop: readonly [number, number, number, number];
  /** 主体的方框 [x, y, 宽, 高]。 */
  readonly box: readonly [number, number, number, number];
}

/**
 * 课程里手工标注的正脸（faces）。
 * @example
 * const [{ photo: animal, box }] = courseFaces();
 * const face = await loadImage(animal.path, { size: 224, crop: box });
 * dispose(face);
 */
export const courseFaces = (): Face[] =>
  readMarks().faces.map(({ file, ...marks }) => ({ ...marks, photo: photo(file) }));

/**
 * 课程里标出了主体的照片（photos with a marked subject）。
 * @example
 * const [object] = courseObjects();
 * const picture = await loadImage(object.photo.path, { size: 224, crop: object.crop });
 * dispose(picture);
 */
export const courseObjects = (): MarkedObject[] =>
  readMarks().objects.map(({ file, ...marks }) => ({ ...marks, photo: photo(file) }));

/**
 * 主体的方框在裁剪并缩放到 size 的图里的位置：行、列从 first 到 last（不含）。
 * @example
 * const { rows, cols } = objectIn(courseObjects()[0], 224);
 */
export function objectIn(object: MarkedObject, size: number) {
  const { crop, box } = checkFields('object', object, ['crop', 'box'], ' courseObjects() 的一项');
  checkNumber('size', size, 1);
  const side = (start: number, length: number, from: number, extent: number): [number, number] => [
    (Math.max(0, start - from) * size) / extent,
    (Math.min(extent, start - from + length) * size) / extent,
  ];
  return { rows: side(box[1], box[3], crop[1], crop[3]), cols: side(box[0], box[2], crop[0], crop[2]) };
}
