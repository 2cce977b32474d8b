import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fetchNetworkFiles, type DownloadProgress } from '../../../../lib/model/weights/download';
import { networkFilesPresent } from '../../../../lib/model/weights/present';
import { mirrorHost, publicHosts, type DownloadSettings } from '../../../../lib/model/weights/settings';
import { gitBlobId } from '../../../../lib/model/weights/verify';
import { networkFiles, type NetworkFilesId } from '../../../../lib/model/weights/catalogue';
import { breakOffAfter, breakOffAt, downloadFixture, NAME, refused, serve, type Manner } from './download-server';

const original = structuredClone(networkFiles);
const { contents, content, settings, folder, start, get, intact, assertCacheHolds } = downloadFixture(test);

test('下载、进度、进缓存；第二次不再问主机', async () => {
  const [server, cache] = [await start(), path.join(folder(), 'a', '模型')];
  const steps: DownloadProgress[] = [];
  intact(
    await get({ cache, hosts: [server.host] }, 'squeezenet', { onProgress: (p: DownloadProgress) => steps.push(p) }),
  );
  assertCacheHolds(cache, NAME);
  assert.ok(steps.every((p, i) => p.total === content.length && p.received >= (steps[i - 1]?.received ?? 0)));
  assert.is(steps.at(-1)!.received, content.length);
  assert.is(steps.at(-1)!.source, 'test server');
  intact(await get({ cache, hosts: [server.host] }));
  intact(await get({ cache, offline: true }));
  assert.is(server.requests.length, 1);
});

test('一组十五个文件：依次问主机，全部校验，名字不变；供不出的主机不是每个文件都再问一次', async () => {
  const [silent, good, cache] = [await start(() => undefined, 'silent'), await start(serve, 'good'), folder()];
  const files = await get({ cache, hosts: [silent.host, good.host], connectTimeout: 1000 }, 'alexnet-2012');
  assert.equal(
    [...files.keys()],
    networkFiles['alexnet-2012'].files.map(({ name }) => name),
  );
  intact(files);
  assertCacheHolds(cache, ...files.keys());
  assert.is(good.requests.length, 15);
  assert.ok(silent.requests.length <= 4, `${silent.requests.length}：只有同时开始的四个文件问过它`);
});

test('没有 SHA-256 的文件按 git blob 检验', async () => {
  const [server, cache] = [await start(), folder()];
  intact(await get({ cache, hosts: [server.host] }, 'alexnet-2012-head'));
  const name = 'bvlc_alexnet_aCaF.asmtLst.16.cbn';
  assert.is(networkFiles['alexnet-2012-head'].files.find((f) => f.name === name)!.sha256, undefined);
  const altered = new Map(contents).set(name, Buffer.from(contents.get(name)!).fill(1, 5, 6));
  const bad = await start(serve, 'bad', altered);
  await refused(get({ cache: folder(), hosts: [bad.host] }, 'alexnet-2012-head'), /git blob/, /asmtLst\.16/);
  assert.is(gitBlobId(Buffer.from('hello\n')), 'ce013625030ba8dba906f756967f9e9ca394464a');
});

test('中断的连接从断处续传', async () => {
  // The line breaks off when the downloader has said that it has so much: however slowly it reads, that has arrived.
  const line = breakOffAt([60_000, 120_000]);
  const [server, cache] = [await start(line.manner), folder()];
  intact(await get({ cache, hosts: [server.host] }, 'squeezenet', { onProgress: line.onProgress }));
  assert.equal(
    server.requests.map(({ range }) => range),
    [undefined, 'bytes=60000-', 'bytes=120000-'],
  );
  assertCacheHolds(cache, NAME);
});

test('小文件的一半只在内存里：断了接着下，一再中断就不再问，说出原因，什么也不留', async () => {
  const small = { resumeOver: content.length };
  const line = breakOffAt([60_000]);
  const [server, cache] = [await start(line.manner), folder()];
  const seen = new Set<string>();
  const onProgress = (progress: DownloadProgress) => {
    if (progress.received < content.length) fs.readdirSync(cache).forEach((name) => seen.add(name));
    line.onProgress(progress);
  };
  intact(await get({ ...small, cache, hosts: [server.host] }, 'squeezenet', { onProgress }));
  assert.is(seen.size, 0);
  assert.equal(
    server.requests.map(({ range }) => range),
    [undefined, 'bytes=60000-'],
  );
  const [bad, empty] = [await start(breakOffAfter(100)), folder()];
  await refused(get({ ...small, cache: empty, hosts: [bad.host] }), /test server：连接中断/);
  assert.is(bad.requests.length, 5);
  assertCacheHolds(empty);
});

test('上一次留下的半个文件被接着下载；错的半个文件被丢掉重来', async () => {
  for (const left of [content.subarray(0, 70_000), Buffer.alloc(70_000, 9), Buffer.alloc(300_000, 9)]) {
    const [server, cache] = [await start(), folder()];
    fs.writeFileSync(path.join(cache, `${NAME}.part`), left);
    // a process killed a moment before its file had the final name
    fs.writeFileSync(path.join(cache, `${NAME}.e6f3.new`), content);
    intact(await get({ cache, hosts: [server.host] }));
    assertCacheHolds(cache, NAME);
    const ranges = server.requests.map(({ range }) => range);
    if (left.length > content.length) assert.equal(ranges, [undefined]);
    else if (left[0] === content[0] && left[1] === content[1]) assert.equal(ranges, ['bytes=70000-']);
    else assert.equal(ranges, ['bytes=70000-', undefined]);
  }
});

test('不会续传的主机：从头给，也下载得对', async () => {
  const whole: Manner = (_, response, bytes) => void response.end(bytes);
  const server = await start([breakOffAfter(50_000), whole]);
  intact(await get({ cache: folder(), hosts: [server.host] }));
  assert.is(server.requests.length, 2);
});

test('没有 content-length、一点一点给的主机', async () => {
  const trickle: Manner = (_, response, bytes) => {
    response.writeHead(200);
    const step = (at: number): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, at + 40_000), () => setTimeout(step, 5, at + 40_000));
    };
    step(0);
  };
  intact(await get({ cache: folder(), hosts: [(await start(trickle)).host] }));
});

test('学校的镜像先于公共主机；镜像坏了退到公共主机', async () => {
  const [mirror, open] = [await start(), await start(serve, 'public')];
  intact(
    await get({ cache: folder(), mirror: mirrorHost(`${mirror.url}/weights`), hosts: [open.host] }, 'alexnet-2012'),
  );
  assert.equal([mirror.requests.length, open.requests.length], [15, 0]);
  const empty = await start(serve, 'empty', new Map());
  intact(await get({ cache: folder(), mirror: mirrorHost(empty.url), hosts: [open.host] }));
  assert.is(open.requests.length, 1);
  await refused(get({ cache: folder(), mirror: mirrorHost(empty.url) }), /CONVSCOPE_MODEL_URL（http.*HTTP 404/);
});

test('本地目录：平放、仓库的布局、别名都认；坏文件说出来，并退到网络', async () => {
  const layouts = [NAME, 'SqueezeNet-v1.0.net'];
  for (const layout of layouts) {
    const [local, cache] = [folder(), folder()];
    fs.writeFileSync(path.join(local, layout), content);
    intact(await get({ cache, folder: local }));
    assertCacheHolds(cache);
  }
  for (const layout of ['', 'alexnet', 'AlexNet/Bin.Files']) {
    const local = folder();
    fs.mkdirSync(path.join(local, layout), { recursive: true });
    for (const { name } of networkFiles['alexnet-2012'].files)
      fs.writeFileSync(path.join(local, layout, name), contents.get(name)!);
    intact(await get({ cache: folder(), folder: local, offline: true }, 'alexnet-2012'));
    assert.ok(networkFilesPresent('alexnet-2012', { cache: folder(), folder: local }).present);
  }
  const local = folder();
  fs.writeFileSync(path.join(local, NAME), content.subarray(1));
  await refused(
    get({ cache: folder(), folder: local }),
    /CONVSCOPE_MODELS（.*长度不对：应为 200000 字节，得到 199999/s,
  );
  await refused(get({ cache: folder(), folder: path.join(local, 'none') }), /没有这个文件/);
  intact(await get({ cache: folder(), folder: local, hosts: [(await start()).host] }));
});

test('离线：不碰网络，说出怎么办；环境变量与选项都行', async () => {
  const server = await start();
  const changes = { cache: folder(), hosts: [server.host] };
  await refused(get({ ...changes, offline: true }), /离线/, /CONVSCOPE_MODELS/, /efficientnet-lite0/);
  await refused(get(changes, 'squeezenet', { offline: true }), /离线/);
  process.env.CONVSCOPE_OFFLINE = '1';
  try {
    const rest: Partial<DownloadSettings> = settings(changes);
    delete (rest as { offline?: boolean }).offline;
    await refused(fetchNetworkFiles('squeezenet', { settings: rest }), /离线/);
    // An explicit option is stronger than the environment.
    intact(await fetchNetworkFiles('squeezenet', { settings: rest, offline: false }));
  } finally {
    delete process.env.CONVSCOPE_OFFLINE;
  }
  assert.is(server.requests.length, 1);
});

test('同一进程里同时要同一个文件，缓存是空的或坏的：都得到，缓存完好', async () => {
  const server = await start();
  const names = networkFiles['alexnet-2012'].files.map(({ name }) => name);
  // Many times: what one removes while another has just put it there shows only now and then.
  for (let round = 0; round < 20; round++) {
    const cache = folder();
    if (round % 2) for (const name of names) fs.writeFileSync(path.join(cache, name), 'half');
    const changes = { cache, hosts: [server.host] };
    const waits = [0, 0, 0, 1, 2, 4, 8, 16];
    const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const all = await Promise.all(waits.map((ms) => later(ms).then(() => get(changes, 'alexnet-2012'))));
    all.forEach(intact);
    assertCacheHolds(cache, ...names);
  }
});

test('两个进程同时填同一个缓存：都得到，缓存完好，不留半个文件', async () => {
  const trickle: Manner = ({ range }, response, bytes) => {
    if (range) return serve({ file: '', range }, response, bytes);
    response.writeHead(200, { 'content-length': bytes.length });
    const step = (at: number): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, at + 10_000), () => setTimeout(step, 10, at + 10_000));
    };
    step(0);
  };
  const [server, cache] = [await start(trickle), folder()];
  const program = path.join(__dirname, 'download-process.ts');
  const run = () =>
    new Promise<string>((resolve) => {
      const child = spawn(process.execPath, [...process.execArgv, program, cache, server.url]);
      let output = '';
      child.stdout.on('data', (text) => (output += text));
      child.stderr.on('data', (text) => (output += text));
      child.on('close', () => resolve(output.trim()));
    });
  const outputs = await Promise.all([run(), run(), run()]);
  assert.equal(outputs, Array(3).fill('16 files intact'), outputs.join('\n'));
  assertCacheHolds(cache, NAME, ...networkFiles['alexnet-2012'].files.map(({ name }) => name));
});

test('未知的权值集：说出可选的名字', async () => {
  try {
    await fetchNetworkFiles('squeezenett' as never);
    assert.unreachable();
  } catch (error) {
    assert.instance(error, RangeError);
    assert.match((error as Error).message, /squeezenet、alexnet/);
  }
});

test('文件的情况（doctor）：在哪里、多少、缺什么、许可证', async () => {
  const [server, cache] = [await start(), folder()];
  const before = networkFilesPresent('alexnet-2012', { cache, folder: undefined });
  assert.equal([before.present, before.bytes, before.where, before.missing.length], [false, 0, undefined, 15]);
  await get({ cache, hosts: [server.host] }, 'alexnet-2012');
  fs.rmSync(path.join(cache, networkFiles['alexnet-2012'].files[3].name));
  const state = networkFilesPresent('alexnet-2012', { cache, folder: undefined });
  assert.equal(state.missing, [networkFiles['alexnet-2012'].files[3].name]);
  assert.is(state.where, cache);
  assert.is(state.bytes, state.total - networkFiles['alexnet-2012'].files[3].bytes);
  assert.match(state.licence, /不再分发/);
});

test('文件表：长度合计、提交号、地址', () => {
  const sum = (id: NetworkFilesId) => original[id].files.reduce((total, { bytes }) => total + bytes, 0);
  assert.equal([sum('squeezenet'), sum('alexnet-2012'), sum('alexnet-2012-head')], [675763, 632432, 12578840]);
  for (const { files } of Object.values(original)) {
    for (const file of files) {
      assert.match(file.commit, /^[0-9a-f]{40}$/);
      assert.match(file.gitBlob ?? file.sha256!, /^[0-9a-f]{40,64}$/);
      assert.match(file.sha256 ?? '0'.repeat(64), /^[0-9a-f]{64}$/);
      for (const host of publicHosts) {
        const url = new URL(host.address(file));
        assert.ok(
          url.protocol === 'https:' && url.pathname.endsWith(`/${file.path}`) && url.pathname.includes(file.commit),
        );
      }
    }
  }
});

test.run();
