import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { DownloadProgress } from '../../../../lib/model/weights/download';
import { downloadSettings, type DownloadSettings, type Host } from '../../../../lib/model/weights/settings';
import { deadHost, downloadFixture, NAME, refused, serve, type Manner } from './download-server';
import { requestInterrupt } from '../../../helpers';

const { content, folder, start, get, intact, assertCacheHolds } = downloadFixture(test);

const bad: [string, Manner, RegExp][] = [
  ['404', (_, r) => void r.writeHead(404).end(), /HTTP 404/],
  ['500', (_, r) => void r.writeHead(500).end('oops'), /HTTP 500/],
  ['短文件', (_, r, b) => void r.end(b.subarray(0, 1000)), /长度不对：应为 200000 字节，得到 1000 字节/],
  ['长文件', (_, r, b) => void r.end(Buffer.concat([b, b])), /长度不对/],
  ['长得没有尽头', (_, r, b) => void r.write(b, () => r.write(b)), /太长/],
  [
    '登录页代替文件',
    (_, r) => void r.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    /长度不对：.*得到 6 字节/,
  ],
  [
    '错的校验和',
    (_, r, b) => void r.end(Buffer.from(b).fill(1, 777, 778)),
    /校验和不对（SHA-256）：应为 [0-9a-f]{12}…/,
  ],
  ['不回答', () => undefined, /0\.3 秒内没有回答/],
  ['立刻挂断', (_, r) => void r.destroy(), /连接不上/],
  ['答非所问的续传', (_, r, b) => void r.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end(b), /续传|长度/],
];

test('各种坏主机：说出原因与下一步，缓存里什么也不留', async () => {
  for (const [name, manner, told] of bad) {
    const [server, cache] = [await start(manner, '坏主机'), folder()];
    const changes = { cache, hosts: [server.host], connectTimeout: name === '不回答' ? 300 : 9000 };
    const error = await refused(get(changes), told, /坏主机：/, /CONVSCOPE_MODELS/, /efficientnet-lite0/);
    assert.ok(error.message.includes(NAME), name);
    assertCacheHolds(cache);
    assert.is(server.requests.length, 1, `${name}：不反复问`);
  }
});

test('各种坏主机：下一台好主机供给', async () => {
  for (const [name, manner] of bad) {
    const cache = folder();
    const hosts = [(await start(manner, '坏主机')).host, (await start(serve, '好主机')).host];
    intact(await get({ cache, hosts, connectTimeout: name === '不回答' ? 300 : 9000 }));
    assertCacheHolds(cache, NAME);
  }
});

test('答应过的主机有一次不回答：线路不好，再问它', async () => {
  // the fourth request is lost on the way
  const manners: Manner[] = [serve, serve, serve, () => undefined, serve];
  const [server, cache] = [await start(manners, '好主机'), folder()];
  const files = await get({ cache, hosts: [server.host], connectTimeout: 3000 }, 'alexnet-2012');
  assert.is(files.size, 15);
  intact(files);
  assert.ok(server.requests.length >= 16);
});

test('给了一半就不动的主机：换一台，从断处接着下', async () => {
  const stuck: Manner = (_, response, bytes) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 50_000));
  };
  const good = await start(serve, 'good');
  intact(await get({ cache: folder(), hosts: [(await start(stuck)).host, good.host], stallTimeout: 300 }));
  assert.match(good.requests.at(-1)!.range!, /^bytes=\d{4,}-$/);
});

test('连不上的主机：说出原因；有第二台就用第二台', async () => {
  const [dead, cache] = [await deadHost(), folder()];
  await refused(get({ cache, hosts: [dead, dead] }), /dead host：连接不上（ECONNREFUSED）/);
  const unknown: Host = { title: 'nowhere', address: () => 'http://nowhere.invalid/x' };
  await refused(get({ cache, hosts: [unknown] }), /nowhere：/);
  assertCacheHolds(cache);
  intact(await get({ cache, hosts: [unknown, dead, (await start()).host] }));
});

test('缓存里的文件坏了（截断、改动）：重新取得', async () => {
  for (const spoilt of [content.subarray(0, 5), Buffer.from(content).fill(0, 99_999, 100_001), Buffer.alloc(0)]) {
    const [server, cache] = [await start(), folder()];
    fs.writeFileSync(path.join(cache, NAME), spoilt);
    await refused(get({ cache, offline: true }), /离线/);
    fs.writeFileSync(path.join(cache, NAME), spoilt);
    intact(await get({ cache, hosts: [server.host] }));
    assertCacheHolds(cache, NAME);
  }
});

const systemError = (code: string) => Object.assign(new Error(code), { code });

test('磁盘满（写到一半、一开始、收尾时）：说出来，不留半个文件，不再问别的主机', async () => {
  const real = downloadSettings().openFile;
  const full: DownloadSettings['openFile'][] = [
    async (file) => {
      const opened = await real(file);
      const write = opened.write.bind(opened) as (...words: unknown[]) => Promise<never>;
      let written = 0;
      return Object.assign(opened, {
        write: async (piece: Uint8Array, ...rest: unknown[]) => {
          if ((written += piece.length) > 50_000) throw systemError('ENOSPC');
          return write(piece, ...rest);
        },
      });
    },
    () => Promise.reject(systemError('ENOSPC')),
    async (file) => Object.assign(await real(file), { sync: () => Promise.reject(systemError('ENOSPC')) }),
  ];
  for (const openFile of full) {
    const [server, second, cache] = [await start(), await start(), folder()];
    const slowSecond = { ...second.host, title: 'second' };
    const message = /磁盘已满：写不下 compressed_SqueezeNet\.net（0\.2 MB）.*CONVSCOPE_CACHE/s;
    const error = await refused(get({ cache, mirror: server.host, hosts: [slowSecond], openFile }), message);
    assert.ok(error.message.includes(cache));
    assertCacheHolds(cache);
    assert.is(second.requests.length, 0);
    // With room again, all is well.
    intact(await get({ cache, hosts: [server.host] }));
  }
});

test('不能写的缓存目录：说出目录与出路', async () => {
  const file = path.join(folder(), 'file');
  fs.writeFileSync(file, '');
  const server = await start();
  const error = await refused(
    get({ cache: path.join(file, 'models'), hosts: [server.host] }),
    /不能写缓存目录/,
    /CONVSCOPE_CACHE/,
  );
  assert.ok(error.message.includes(file));
  const openFile = () => Promise.reject(systemError('EROFS'));
  await refused(get({ cache: folder(), hosts: [server.host], openFile }), /不能写缓存目录.*EROFS/);
});

test('中断与取消：马上停，说出可以接着下，下一次真的接着下', async () => {
  for (const [i, stop] of [(c: AbortController) => c.abort(), requestInterrupt].entries()) {
    const half: Manner = (_, response, bytes) => {
      response.writeHead(200, { 'content-length': bytes.length });
      response.write(bytes.subarray(0, 80_000));
    };
    const [server, cache, controller] = [await start([half, serve]), folder(), new AbortController()];
    const onProgress = ({ received }: DownloadProgress) =>
      void (received >= 80_000 && setTimeout(stop, 10, controller));
    const options = { onProgress, signal: controller.signal };
    await refused(get({ cache, hosts: [server.host] }, 'squeezenet', options), /中断.*接着下载/);
    intact(await get({ cache, hosts: [server.host] }));
    assert.is(server.requests[1].range, 'bytes=80000-', String(i));
    assertCacheHolds(cache, NAME);
  }
  const aborted = AbortSignal.abort();
  await refused(get({ cache: folder(), hosts: [(await start()).host] }, 'squeezenet', { signal: aborted }), /中断/);
});

test.run();
