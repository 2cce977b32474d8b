/** The steps of packing: wheels, weights, a note for whoever unpacks it, the archive itself. */
import fs from 'node:fs';
import path from 'node:path';
import { inRoot, venvProgram, writeJson, writeWhole } from '../setup/paths.mjs';
import { megabytes, SetupError } from '../setup/report.mjs';
import { findProgram, run, tsxArguments } from '../setup/run.mjs';
import { networksToPack, PREFIX } from './contents.mjs';

/** The files of the project: what git knows, so that nothing of the packer's own goes along. */
export async function trackedFiles() {
  const git = findProgram('git');
  const { code, stdout } = git
    ? await run(git, ['ls-files', '-z', '--cached'], { check: false })
    : { code: 1, stdout: '' };
  const files = stdout.split('\0').filter((file) => file && fs.existsSync(inRoot(...file.split('/'))));
  if (code === 0 && files.length > 0) return files;
  throw new SetupError(
    '打包要知道哪些文件属于课程：请在 git 克隆的目录里运行（需要 git）',
    'packing needs git and a cloned folder, to know which files belong to the course',
  );
}

/** Wheels of all that requirements.txt names, for this Python; gives the Python's version. */
export async function packWheels(report, folder) {
  fs.mkdirSync(folder, { recursive: true });
  const python = venvProgram('python');
  await report.step(['收集 Python 软件包', 'Python packages'], () =>
    report.watchSize(folder, ['Python 软件包', 'Python packages'], undefined, () =>
      run(python, ['-m', 'pip', 'wheel', '--quiet', '--wheel-dir', folder, '-r', inRoot('requirements.txt')], {
        env: { PIP_DISABLE_PIP_VERSION_CHECK: '1' },
      }),
    ),
  );
  const { stdout } = await run(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  const version = stdout.trim();
  writeJson(path.join(folder, 'made-for.json'), { python: version });
  return version;
}

/** The networks' weights, each file checked; gives the ids of those that are in. */
export async function packWeights(report, folder, options) {
  fs.mkdirSync(folder, { recursive: true });
  const wanted = networksToPack(options);
  const [program, ...args] = [process.execPath, ...tsxArguments(), inRoot('scripts', 'pack', 'weights.ts')];
  const { code, stdout, output } = await report.step(['收集权值', 'weights'], () =>
    run(program, [...args, folder, ...wanted], { check: false }),
  );
  if (code !== 0) throw new SetupError(output.trim(), output.trim());
  const packed = JSON.parse(stdout.trim().split('\n').pop());
  sayLicence(report, options, packed);
  return packed;
}

function sayLicence(report, { withAlexnet }, packed) {
  if (!withAlexnet) {
    report.say(
      '  没有带 AlexNet 2012 的权值：它的仓库没有写明许可，课程不再分发；没有一章需要它。只在自己的教室里用：-- --with-alexnet',
      "  AlexNet 2012's weights are left out: their repository states no licence, so the course does not pass them on; no chapter needs them. For your own class room: -- --with-alexnet",
    );
    return;
  }
  const head = packed.includes('alexnet-2012-head');
  report.say(
    `  ! 包里有 AlexNet 2012 的权值${head ? '' : '（没有分类头：本机没有它的文件）'}。它的仓库没有写明许可：只在自己的教室里用，不要把这个包放到网上或交给别人。`,
    `  ! AlexNet 2012's weights are in${head ? '' : ' (without the head, which is not on this machine)'}. Their repository states no licence: keep this archive in your own class room.`,
  );
}

/** @param {string} file @param {{ version: string, python: string, networks: string[], native?: string }} facts */
export function writeNote(file, { version, python, networks, native }) {
  const alexnet = networks.some((id) => id.startsWith('alexnet-2012'));
  writeWhole(
    file,
    `# convscope ${version}：不需要网络的包

为 ${process.platform}-${process.arch} 和 Python ${python} 制作。目标机器上要先有 Node.js 20.6 或更新的版本和 Python ${python}（Debian / Ubuntu 另加 python3-venv）。

\`\`\`sh
npm start -- --offline
\`\`\`

第一次约一分钟（从 .cache/wheels 建立 Python 环境），以后几秒。计算后端：${native ?? 'wasm（没有带原生后端）'}。

许可：课程见 LICENSE 与 README.md；node_modules 和 .cache/wheels 里的软件包各带自己的许可；.cache/native 是 TensorFlow（Apache License 2.0，全文见 LICENSE）；GoogLeNet 的权值由 BVLC 发布，使用不受限制（取得它的仓库是 MIT 许可）；SqueezeNet 的权值 BSD-2-Clause。
${alexnet ? '\n**包里有 AlexNet 2012 的权值。它的仓库没有写明许可：只在自己的教室里用，不要再分发。**\n' : ''}`,
  );
}

/** Writes the archive with Python, which is there on every system, where a `tar` may not be; gives its sizes. */
export async function writeArchive(report, archive, { entries, without }) {
  const list = `${archive}.list.json`;
  fs.mkdirSync(path.dirname(archive), { recursive: true });
  fs.writeFileSync(list, JSON.stringify({ prefix: PREFIX, entries, without }));
  /** @type {any} */
  let last;
  const onLine = (line) => {
    last = JSON.parse(line);
    const { done, bytes, written } = last;
    report.progress(
      `压缩：${megabytes(done)} / ${megabytes(bytes)} MB，压缩后 ${megabytes(written)} MB`,
      `compressing: ${megabytes(done)} / ${megabytes(bytes)} MB, ${megabytes(written)} MB so far`,
    );
  };
  try {
    await report.step([`写 ${path.basename(archive)}`, path.basename(archive)], () =>
      run(venvProgram('python'), [inRoot('scripts', 'pack', 'archive.py'), list, archive], { onLine }),
    );
  } finally {
    fs.rmSync(list, { force: true });
  }
  return last;
}
