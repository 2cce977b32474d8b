import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { CourseError } from '../base/errors';
import { placeOf } from '../base/paths';

/** Where a network of one's own lies: a folder, an address, or a file that has to be converted first. */

export interface Saved {
  readonly format?: string;
  readonly modelTopology?: { readonly node?: unknown; readonly model_config?: unknown; readonly config?: unknown };
  readonly signature?: unknown;
  readonly weightsManifest?: readonly { readonly paths: string[]; readonly weights: never[] }[];
}

/** What a saved network consists of, wherever it lies. */
export interface Source {
  /** Where it lies, and how its folder is called. */
  readonly title: string;
  readonly name: string;
  json(): Promise<Saved>;
  bytes(file: string): Promise<Uint8Array>;
}

export const HOW =
  'TensorFlow.js 保存的网络是一个文件夹：model.json 和它旁边的 .bin（tensorflowjs_converter 或 model.save 的结果）';

/** Each of these commands was run; environment.md has the versions. */
const CONVERTER = 'pip install tensorflowjs "ydf<0.13"';
const TO_WEB = 'tensorflowjs_converter --input_format=tf_saved_model --output_format=tfjs_graph_model saved web，然后载入文件夹 web'; // prettier-ignore
const KERAS = `${CONVERTER}，再在 Python 里 model.export("saved")，在终端里 ${TO_WEB}`;
const ONNX =
  '先 pip install onnx onnx2tf tensorflow tf_keras onnx-graphsurgeon sng4onnx onnxruntime psutil ai-edge-litert，' +
  `onnx2tf -i net.onnx -o saved；再在另一个虚拟环境里 ${CONVERTER}，${TO_WEB}`;
const TO_ONNX = 'torch.onnx.export(model, torch.zeros(1, 3, 高, 宽), "net.onnx", dynamo=False, input_names=["x"], dynamic_axes={"x": {0: "n"}})'; // prettier-ignore

/** How the files of other programs become a network that can be loaded here. */
const CONVERSIONS: readonly (readonly [RegExp, string])[] = [
  [
    /\.(h5|hdf5)$/i,
    `Keras 的 .h5 文件要先转换：${CONVERTER}，tensorflowjs_converter --input_format=keras 文件.h5 web（不行时：${KERAS}）`,
  ],
  [/\.keras$/i, `.keras 文件要先转换：${KERAS}`],
  [/\.(pt|pth|ckpt)$/i, `PyTorch 的文件要先转换：在 Python 里 ${TO_ONNX}，然后${ONNX}`],
  [/\.onnx$/i, `ONNX 的文件要先转换：${ONNX}`],
  [
    /\.(pb|tflite)$/i,
    `SavedModel（.pb）的文件夹 saved 要先转换：${CONVERTER}，${TO_WEB}；.tflite 请从它的来源网络转换`,
  ],
  [/\.bin$/i, '这是权值文件；请给出它旁边的 model.json，或所在的文件夹'],
];

async function reading<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      error instanceof SyntaxError ? '它不是 JSON（也许下载时存成了网页）' : code === 'ENOENT' || code === 'ENOTDIR' ? '没有这个文件' : code === 'EISDIR' ? '它是文件夹' : message; // prettier-ignore
    throw new CourseError(`读不出 ${what}：${reason}。${HOW}。`, { cause: error });
  }
}

async function fetched(address: string): Promise<Response> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`服务器回答 ${response.status} ${response.statusText}`);
  return response;
}

function onTheWeb(address: string): Source {
  const top = /\.json(\?|$)/.test(address) ? address : `${address.replace(/\/$/, '')}/model.json`;
  return {
    title: top,
    name: decodeURIComponent(new URL('.', top).pathname.split('/').at(-2) ?? ''),
    json: () => reading(top, async () => (await fetched(top)).json() as Promise<Saved>),
    bytes(file) {
      const from = new URL(file, top).href;
      return reading(from, async () => new Uint8Array(await (await fetched(from)).arrayBuffer()));
    },
  };
}

function inFolder(place: string): Source {
  const full = placeOf(place);
  const top = full.endsWith('.json') ? full : path.join(full, 'model.json');
  return {
    title: top,
    name: path.basename(path.dirname(top)),
    json: () => reading(top, async () => JSON.parse((await fs.readFile(top, 'utf8')).replace(/^\ufeff/, '')) as Saved),
    bytes(file) {
      const from = path.join(path.dirname(top), file);
      return reading(from, () => fs.readFile(from));
    },
  };
}

/** @throws TypeError no text; CourseError a file of another program, with the way to convert it */
export function sourceOf(source: string): Source {
  if (typeof source !== 'string' || !source) {
    throw new TypeError(`网络的来源应为文件夹或网址，得到 ${String(source)}。${HOW}。`);
  }
  const conversion = CONVERSIONS.find(([ending]) => ending.test(source.replace(/[?#].*$/, '')));
  if (conversion) throw new CourseError(`${source} 不能直接载入：${conversion[1]}。`);
  return /^https?:\/\//i.test(source) ? onTheWeb(source) : inFolder(source);
}
