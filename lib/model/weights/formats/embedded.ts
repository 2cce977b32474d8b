import * as fs from 'node:fs';
import * as path from 'node:path';
import { CourseError } from '../../../base/errors';
import { sha256 } from '../verify';
import { projectRoot } from '../../../base/paths';
import { type EmbeddedId, type EmbeddedNetwork, embeddedNetworks } from '../embedded-catalogue';
import { float16ToFloat32 } from './float16';
import { sizeOf, type NamedWeights } from './weights';

/** One weight as TensorFlow.js lists it in model.json. */
interface ManifestEntry {
  readonly name: string;
  readonly shape: number[];
  readonly quantization: { readonly dtype: string };
}

function damaged(file: string, why: string): CourseError {
  return new CourseError(`随课程附带的文件 ${file} ${why}。请取回它：git checkout -- data/models，或重新下载课程。`);
}

function read(file: string): Uint8Array {
  try {
    return fs.readFileSync(file);
  } catch (error) {
    throw damaged(file, `读不出（${(error as NodeJS.ErrnoException).code}）`);
  }
}

function readShard(folder: string, shard: EmbeddedNetwork['shards'][number]): Uint8Array {
  const file = path.join(folder, shard.name);
  const bytes = read(file);
  if (bytes.length !== shard.bytes) throw damaged(file, `应为 ${shard.bytes} 字节，得到 ${bytes.length} 字节`);
  if (sha256(bytes) !== shard.sha256) throw damaged(file, '的校验和（SHA-256）不对');
  return bytes;
}

/** Names, shapes, types and their order say which bytes are which weight: a wrong one would shift all that follow. */
function readManifest(modelFile: string, manifest: string): readonly ManifestEntry[] {
  let entries: readonly ManifestEntry[];
  let list: string;
  try {
    entries = JSON.parse(Buffer.from(read(modelFile)).toString('utf8')).weightsManifest[0].weights;
    list = JSON.stringify(entries.map(({ name, shape, quantization }) => [name, shape, quantization.dtype]));
  } catch (error) {
    throw error instanceof CourseError ? error : damaged(modelFile, '不是 TF.js 的模型文件');
  }
  if (sha256(Buffer.from(list)) !== manifest) throw damaged(modelFile, '里权值的清单（名字、形状、类型）不对');
  return entries;
}

/**
 * 读一个随课程附带的网络（embedded network）：float16 存放；EfficientNet-Lite0 的批归一化已并入卷积。
 *
 * @param folder 放 model.json 与权值文件的目录，默认 data/models 里的那一个
 * @returns TF.js 排列的 float32 权值：`conv1/kernel` `[11, 11, 3, 64]` …，`stem/kernel`、`b0/dw/kernel` `[k, k, c, 1]`、
 *   `b1/expand/kernel` … `fc/kernel` `[1280, 1000]`，以及各自的 `bias`
 * @throws CourseError 缺文件或文件损坏
 */
export function readEmbeddedNetwork(
  id: EmbeddedId,
  folder = path.join(projectRoot(), 'data', 'models', id),
): NamedWeights {
  const { manifest, shards } = embeddedNetworks[id];
  const entries = readManifest(path.join(folder, 'model.json'), manifest);
  const data = Buffer.concat(shards.map((shard) => readShard(folder, shard)));

  const weights: NamedWeights = {};
  let offset = 0;
  for (const { name, shape } of entries) {
    const end = offset + 2 * sizeOf(shape);
    const values = float16ToFloat32(data.subarray(offset, end));
    weights[name.replace('depthwise_kernel', 'kernel')] = { data: values, shape };
    offset = end;
  }
  return weights;
}
