import { CourseError, unknownName } from '../base/errors';
import type { ImageModel } from '../model/model';
import { loadModel, type LoadOptions, NETWORK_IDS, type NetworkId } from '../model/networks/load';
import { UNPROVEN } from '../model/weights/full-precision';
import { showNotice } from '../show/notice';
import { progress } from '../show/progress';
import { shared } from '../base/state';

/** The only network that chapters want and that has to be downloaded, and the embedded one that stands in for it. */
const DOWNLOADED: NetworkId = 'googlenet';
const STAND_IN: NetworkId = 'efficientnet-lite0';

/** The embedded network under the role of GoogLeNet; the caller of the course sees why. */
async function substitute(id: NetworkId, reason: string): Promise<ImageModel> {
  const model = await loadModel(STAND_IN);
  return { ...model, substituteFor: id, notes: [...model.notes, reason] };
}

async function load(id: NetworkId, options: LoadOptions): Promise<ImageModel> {
  let bar: ReturnType<typeof progress> | undefined;
  const started = Date.now();
  const onProgress: LoadOptions['onProgress'] = (p) => {
    // What lies in a cache or on a stick is there at once: a bar would only flicker.
    if (Date.now() - started < 500) return;
    bar ??= progress(p.total, `下载 ${p.title}`);
    bar.step(p.received, p.source);
  };
  try {
    return await loadModel(id, { onProgress, ...options });
  } catch (error) {
    if (!(error instanceof CourseError) || id !== DOWNLOADED) throw error;
    return substitute(id, error.message);
  } finally {
    bar?.done();
  }
}

/**
 * 课程各章使用的网络（the chapters' network）：同一个 `id` 每个进程只载入一次，不要 dispose。
 * 只有 GoogLeNet 有替代：取不到它的权重时换成随课程附带的 EfficientNet-Lite0，设 `substituteFor`，并在单元格里
 * 显示一条说明。
 *
 * @throws RangeError 名字不认识；CourseError 别的网络取不到权重
 * @example
 * const network = await loadCourseModel('efficientnet-lite0');
 * network.dispose();
 */
export async function loadCourseModel(id: NetworkId, options: LoadOptions = {}): Promise<ImageModel> {
  if (!NETWORK_IDS.includes(id)) throw unknownName('网络', id, NETWORK_IDS);
  const cache = shared('course-models', () => new Map<string, Promise<ImageModel>>());
  const key = `${id}|${options.head ?? 'auto'}|${options.full ?? 'auto'}`;
  if (!cache.has(key)) {
    const loading = load(id, options);
    cache.set(key, loading);
    loading.catch(() => cache.delete(key));
  }
  const model = await cache.get(key)!;
  if (model.substituteFor) {
    showNotice(
      `取不到 ${id}，本章改用随课程附带的 ${model.title}；下面的数字和图都来自它。`,
      model.notes[model.notes.length - 1],
    );
  }
  for (const note of model.notes.filter((line) => line.startsWith(UNPROVEN))) showNotice(note);
  return model;
}
