/** A mirror that means harm: it cannot choose where files go, nor how much is written, nor what counts as a file. */
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import * as zlib from 'node:zlib';
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tf } from '../../../../lib/tf/backend';
import { mirrorHost, publicHosts } from '../../../../lib/model/weights/settings';
import { loadImage } from '../../../../lib/image/image';
import { networkFiles } from '../../../../lib/model/weights/catalogue';
import { root } from '../../../helpers';
import { downloadFixture, type Manner, NAME, refused, serve } from './download-server';

const { content, folder, start, get, assertCacheHolds } = downloadFixture(test);

/** Everything below a folder, with its content's length. */
const listing = (at: string) => fs.readdirSync(at, { recursive: true, encoding: 'utf8' }).sort();

/** A cache inside a folder of its own, so that a step outside it is seen. */
function enclosed(): { around: string; cache: string } {
  const around = folder();
  return { around, cache: path.join(around, 'inner', 'cache') };
}

const answer =
  (status: number, headers: http.OutgoingHttpHeaders, body: Buffer | string = ''): Manner =>
  (_, response) =>
    void response.writeHead(status, headers).end(body);

test('文件放在哪里由课程的文件表决定：表里没有能走出缓存的名字', () => {
  for (const { files } of Object.values(networkFiles)) {
    for (const { name, path: place } of files) {
      assert.is(path.basename(name), name);
      assert.match(name, /^[\w.-]+$/);
      assert.not.match(place, /(^|\/)\.\.(\/|$)|^\/|\\|:/);
      for (const host of publicHosts) assert.is(new URL(host.address(files[0])).protocol, 'https:');
    }
  }
  const odd = { ...networkFiles.squeezenet.files[0], name: '../../x?y#z' };
  assert.is(new URL(mirrorHost('http://127.0.0.1/a/b').address(odd)).pathname, '/a/b/..%2F..%2Fx%3Fy%23z');
});

test('镜像自己给的文件名不算数：content-disposition、content-location 里的 ../', async () => {
  const { around, cache } = enclosed();
  const named: Manner = (_, response, bytes) => {
    response.writeHead(200, {
      'content-length': bytes.length,
      'content-disposition': 'attachment; filename="../../evil"; filename*=UTF-8\'\'..%2F..%2Fevil',
      'content-location': '../../evil',
    });
    response.end(bytes);
  };
  await get({ cache, hosts: [(await start(named)).host] });
  assertCacheHolds(cache, NAME);
  assert.equal(listing(around), ['inner', 'inner/cache', `inner/cache/${NAME}`].map(path.normalize));
});

test('重定向：到本机文件、到别的协议、转圈，都被拒绝；转到另一台主机的内容照样要过校验', async () => {
  const { around, cache } = enclosed();
  const secret = path.join(around, 'secret');
  fs.writeFileSync(secret, content);
  const other = await start((_, response) => void response.end(Buffer.alloc(content.length, 1)), 'other');
  const targets = [
    pathToFileURL(secret).href,
    'data:application/octet-stream,x',
    'ftp://127.0.0.1/x',
    '/again',
    `${other.url}/x`,
  ];
  for (const location of targets) {
    const mirror = await start(answer(302, { location }));
    await refused(get({ cache, hosts: [mirror.host] }), /取不到/);
    assert.not(fs.existsSync(path.join(cache, NAME)), location);
  }
  const good = await start(serve, 'good');
  const forwarding = await start(answer(302, { location: `${good.url}/${NAME}` }));
  await get({ cache, hosts: [forwarding.host] });
  assertCacheHolds(cache, NAME);
});

test('谎报的长度与位置：不预先占磁盘，不在别处写', async () => {
  const { cache } = enclosed();
  const lies: [string, Manner][] = [
    ['巨大的 content-length', (_, r) => void r.writeHead(200, { 'content-length': '1000000000000000' }).write('x')],
    ['位置在文件之外', answer(206, { 'content-range': 'bytes 99999999-99999999/100000000' }, 'x')],
    ['负的位置', answer(206, { 'content-range': 'bytes -5-10/100' }, 'x')],
    [
      '没有问就给后半段',
      (_, r, b) =>
        void r.writeHead(206, { 'content-range': `bytes 100-${b.length - 1}/${b.length}` }).end(b.subarray(100)),
    ],
  ];
  for (const [what, manner] of lies) {
    await refused(get({ cache, hosts: [(await start(manner)).host] }), /取不到/);
    assert.equal(listing(cache), [], what);
  }
});

test('压缩炸弹：解压出来超过应有的长度就停，磁盘上什么也不留', async () => {
  const { cache } = enclosed();
  const bomb = zlib.gzipSync(Buffer.alloc(300e6), { level: 1 });
  let largest = 0;
  const timer = setInterval(() => {
    if (fs.existsSync(cache))
      for (const name of listing(cache)) {
        const size = fs.statSync(path.join(cache, name), { throwIfNoEntry: false })?.size ?? 0;
        largest = Math.max(largest, size);
      }
  }, 1);
  try {
    const mirror = await start(answer(200, { 'content-encoding': 'gzip', 'content-length': bomb.length }, bomb));
    await refused(get({ cache, hosts: [mirror.host] }), /太长/);
  } finally {
    clearInterval(timer);
  }
  assert.ok(largest <= content.length, `${largest} bytes were on the disk`);
  assert.equal(listing(cache), []);
});

test('缓存里预先放好的链接：换成真正的文件，不顺着它写到外面', async () => {
  const { around, cache } = enclosed();
  const outside = path.join(around, 'outside');
  fs.writeFileSync(outside, 'mine');
  fs.mkdirSync(cache, { recursive: true });
  fs.symlinkSync(outside, path.join(cache, NAME));
  await get({ cache, hosts: [(await start()).host] });
  assert.is(fs.readFileSync(outside, 'utf8'), 'mine');
  assert.ok(fs.lstatSync(path.join(cache, NAME)).isFile());
});

test('图片的网址：巨大的、转圈的、不是图片的，都是清楚的错误', async () => {
  const server = http.createServer((request, response) => {
    if (request.url === '/huge') response.writeHead(200, { 'content-length': '1000000000000000' }).write('x');
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (request.url === '/file') response.writeHead(302, { location: 'file:///etc/hostname' }).end();
    else response.end('<script>hit()</script>');
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await refused(loadImage(`${base}/huge`), /太大/);
  await refused(loadImage(`${base}/loop`), /取不到/);
  await refused(loadImage(`${base}/file`), /取不到/);
  await refused(loadImage(`${base}/page`), /不是可用的图片/);
  server.closeAllConnections();
  server.close();
});

test('别人的 model.json：只有注册过的层，带代码的层（Lambda）不会运行', async () => {
  const layer = (class_name: string, config: object) => ({ class_name, config: { name: 'l', ...config } });
  const topology = (second: object) => ({
    class_name: 'Sequential',
    config: { name: 's', layers: [layer('Flatten', { batch_input_shape: [null, 2, 2] }), second] },
  });
  const load = (second: object) =>
    tf.loadLayersModel(
      tf.io.fromMemory({ modelTopology: topology(second), weightSpecs: [], weightData: new ArrayBuffer(0) }),
    );
  (await load({ ...layer('Activation', { name: 'a', activation: 'relu' }) })).dispose();
  for (const name of ['Lambda', 'constructor', '__proto__', 'TFOpLambda']) {
    const second = layer(name, { name: 'x', function: ['4wEAAAA=', null, null], function_type: 'lambda' });
    const error = await load(second).then(
      () => undefined,
      (e: Error) => e,
    );
    assert.instance(error, Error, name);
  }
});

const MAKE_WHEEL = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    for name in ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"):
        wheel.writestr(name, "library")
    head = "tensorflow/include/tensorflow/c/"
    for name in (head + "c_api.h", head + "../../../../../../evil", "../evil", "/tmp/convscope-evil", "tensorflow/other.py"):
        wheel.writestr(name, "x")
`;

test('恶意的 wheel：解包只留下要的文件，没有一个落在文件夹之外', () => {
  const around = folder();
  const [wheel, inner] = [path.join(around, 'w.whl'), path.join(around, 'a', 'b')];
  fs.mkdirSync(inner, { recursive: true });
  const python = (...words: string[]) =>
    spawnSync(process.env.CONVSCOPE_PYTHON ?? 'python3', words, { encoding: 'utf8' });
  assert.is(python('-c', MAKE_WHEEL, wheel).status, 0);
  const { status, stderr } = python(path.join(root, 'scripts', 'setup', 'unpack-wheel.py'), wheel, inner);
  assert.is(status, 0, stderr);
  const files = listing(around).filter((name) => fs.statSync(path.join(around, name)).isFile());
  for (const file of files.filter((name) => name !== 'w.whl'))
    assert.ok(file.startsWith(path.join('a', 'b') + path.sep), file);
  assert.ok(!files.some((name) => name.endsWith('other.py')));
  assert.not(fs.existsSync('/tmp/convscope-evil'));
});

test.run();
