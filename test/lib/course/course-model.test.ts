import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadCourseModel } from '../../../lib/course/course-model';
import { loadImage } from '../../../lib/image/image';
import { classify } from '../../../lib/model/classify';
import { loadModel } from '../../../lib/model/networks/load';
import { type DisplayBundle, setSink } from '../../../lib/show/index';
import { failure } from '../../helpers';

// No weights can be had: an empty cache, no folder, no network.
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-course-'));
Object.assign(process.env, {
  CONVSCOPE_CACHE: folder,
  CONVSCOPE_MODELS: '',
  CONVSCOPE_MODEL_URL: '',
  CONVSCOPE_OFFLINE: '1',
});

let sent: DisplayBundle[] = [];
test.before.each(() => {
  sent = [];
  setSink((bundle) => sent.push(bundle));
});
test.after(() => {
  setSink(undefined);
  fs.rmSync(folder, { recursive: true });
});

test('取不到 GoogLeNet 的权值：loadModel 报错，loadCourseModel 改用随附的网络，说清楚，照样能分类', async () => {
  assert.match((await failure(() => loadModel('googlenet'))).message, /离线|没有/);
  const model = await loadCourseModel('googlenet');
  assert.equal([model.id, model.substituteFor], ['efficientnet-lite0', 'googlenet']);
  assert.match(
    String(sent[0].data['text/plain'] ?? sent[0].data['text/html']),
    /取不到 googlenet，本章改用随课程附带的 EfficientNet-Lite0/,
  );
  assert.match(JSON.stringify(sent[0].data), /CONVSCOPE_MODELS/);
  const image = await loadImage('mammal/red-panda.jpg', { size: model.inputSize[0] });
  const [first] = await classify(model, image, { count: 1 });
  assert.is(first.zh, '小熊猫');
  image.dispose();
});

test('每个网络一个进程只载入一次；每次换了网络都提醒', async () => {
  const [first, second] = [await loadCourseModel('googlenet'), await loadCourseModel('googlenet')];
  assert.is(first, second);
  assert.is(sent.length, 2);
});

test('别的网络没有替代：取不到就报错', async () => {
  for (const id of ['squeezenet', 'alexnet-2012'] as const) {
    assert.match((await failure(() => loadCourseModel(id))).message, /取不到 .*现在是离线状态/);
  }
  assert.is(sent.length, 0);
});

test('随附的网络不需要替代；名字不认识则报错', async () => {
  for (const id of ['alexnet', 'efficientnet-lite0'] as const) {
    const model = await loadCourseModel(id);
    assert.equal([model.id, model.substituteFor], [id, undefined]);
  }
  assert.is(sent.length, 0);
  assert.match(
    (await failure(() => loadCourseModel('alexnett' as 'alexnet'))).message,
    /没有名为"alexnett"的网络；最接近：alexnet/,
  );
});

test.run();
