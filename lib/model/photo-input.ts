import { loadImage } from '../image/image';
import type { Photo } from '../image/photos';
import { given } from './given';
import type { ImageModel } from './model';

/** How a photo becomes the input of a network: the part of it that counts, at the network's size. */
export const inputOptions = (model: ImageModel, { crop }: Photo) => ({ size: given(model).inputSize, crop });

/** 一张照片，按网络的输入大小读入：`[h, w, 3]`，RGB，[0, 1]；由调用者 dispose。 */
export const photoInput = (model: ImageModel, photo: Photo) => loadImage(photo.path, inputOptions(model, photo));
