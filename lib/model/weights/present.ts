import * as fs from 'node:fs';
import { localPlaces } from './cache';
import { lookUpFiles, type NetworkFilesId, type WeightFile } from './catalogue';
import { downloadSettings, type DownloadSettings } from './settings';

/** 一组权值文件在本机上的情况（不联网，只看文件大小）。 */
export interface NetworkFilesState {
  /** 这组文件的名字。 */
  readonly title: string;
  /** 全部齐备。 */
  readonly present: boolean;
  /** 已在本机的字节数与全部的字节数。 */
  readonly bytes: number;
  /** 全部的字节数。 */
  readonly total: number;
  /** 所在的目录；一个文件都没有时为 undefined。 */
  readonly where: string | undefined;
  /** 缺哪些文件。 */
  readonly missing: readonly string[];
  /** 许可证。 */
  readonly licence: string;
}

/**
 * 一组权值文件是否齐备（present），在哪里，占多少，什么许可证；供 doctor 用。
 * @example
 * const { present, where } = networkFilesPresent('googlenet');
 */
export function networkFilesPresent(id: NetworkFilesId, changes: Partial<DownloadSettings> = {}): NetworkFilesState {
  const set = lookUpFiles(id);
  const settings = downloadSettings(changes);
  const here = (file: WeightFile) =>
    localPlaces(file, settings).find(({ at }) => fs.statSync(at, { throwIfNoEntry: false })?.size === file.bytes);
  const places = set.files.map(here);
  const missing = set.files.filter((_, i) => !places[i]);
  const total = set.files.reduce((sum, file) => sum + file.bytes, 0);
  return {
    title: set.title,
    present: missing.length === 0,
    bytes: total - missing.reduce((sum, file) => sum + file.bytes, 0),
    total,
    where: places.find(Boolean)?.folder,
    missing: missing.map((file) => file.name),
    licence: set.licence,
  };
}
