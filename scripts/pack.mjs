/**
 * npm run pack: one archive in dist/ with everything that `npm start -- --offline` needs on a machine of the same
 * kind. `-- --check` unpacks the newest one elsewhere and tries it where there is no network at all.
 */
import fs from 'node:fs';
import path from 'node:path';
import { checkArchive } from './pack/check.mjs';
import { archiveName, contents, without } from './pack/contents.mjs';
import { packWeights, packWheels, trackedFiles, writeArchive, writeNote } from './pack/steps.mjs';
import { bootstrap } from './setup/bootstrap.mjs';
import { folderOf } from './setup/native.mjs';
import { parseOptions } from './setup/options.mjs';
import { folderSize, inRoot, readJson } from './setup/paths.mjs';
import { megabytes, Report } from './setup/report.mjs';
import { findProgram } from './setup/run.mjs';

const USAGE = {
  zh: `npm run pack -- [选项]
  --with-alexnet   带上 AlexNet 2012 的权值：只许在自己的教室里用，不要再分发
  --no-native      不带原生后端（小约 120 MB），用 wasm
  --zip            做成 zip（没有 tar 的系统自动如此）
  --check          不打包；把最新的包解到别处，在没有网络的环境里试一遍（Linux）
  --lang en        英文`,
  en: `npm run pack -- [options]
  --with-alexnet   with AlexNet 2012's weights: for your own class room only, not to be passed on
  --no-native      without the native backend (about 120 MB less), wasm is used
  --zip            a zip (chosen by itself where there is no tar)
  --check          do not pack: unpack the newest archive elsewhere and try it without a network (Linux)
  --lang en        English`,
};

async function pack(report, options) {
  const { native } = await bootstrap(report, { noNative: options.noNative });
  const stage = inRoot('dist', `.pack-${process.pid}`);
  fs.mkdirSync(stage, { recursive: true });
  try {
    const python = await packWheels(report, path.join(stage, 'wheels'));
    const networks = await packWeights(report, path.join(stage, 'models'), options);
    const facts = { version: readJson(inRoot('package.json')).version, python, networks, native: native?.key };
    writeNote(path.join(stage, 'OFFLINE.md'), facts);
    const zip = options.zip || !findProgram('tar');
    const archive = inRoot('dist', archiveName(facts, zip));
    const plan = {
      entries: contents({ tracked: await trackedFiles(), stage, native: native && folderOf(native) }),
      without: without(),
    };
    const { bytes } = await writeArchive(report, archive, plan);
    const size = `${megabytes(fs.statSync(archive).size)} MB`;
    const place = path.relative(inRoot(), archive);
    report.say(
      `${place}：${size}，解开后 ${megabytes(bytes)} MB，另加建立 Python 环境的 310 MB。`,
      `${place}: ${size}, ${megabytes(bytes)} MB unpacked, and 310 MB more for the Python environment.`,
    );
    report.say(
      '目标机器要同样的系统、Node.js 20.6 或更新、同一版本的 Python；解开后：cd convscope && npm start -- --offline。先试一遍：npm run pack -- --check',
      'The other machine needs the same system, Node.js 20.6 or newer and the same Python; unpack, then: cd convscope && npm start -- --offline. Try it first: npm run pack -- --check',
    );
  } finally {
    fs.rmSync(stage, { recursive: true, force: true });
  }
}

let report = new Report();
try {
  const allowed = ['--with-alexnet', '--no-native', '--zip', '--check', '--lang', '--help'];
  const options = parseOptions(process.argv.slice(2), allowed);
  report = new Report(options);
  if (options.help) report.say(USAGE.zh, USAGE.en);
  else if (options.check) await checkArchive(report);
  else await pack(report, options);
  const dist = folderSize(inRoot('dist'));
  if (dist > 0) report.say(`dist/ 现有 ${megabytes(dist)} MB`, `dist/ holds ${megabytes(dist)} MB`);
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
