/** What set-up says: Chinese or English, a line per step with its time, and a progress line in between. */
import fs from 'node:fs';
import path from 'node:path';
import { root } from './paths.mjs';

// `npm run doctor | head` ends quietly
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1));

export const megabytes = (bytes) => (bytes / 1e6 < 10 ? (bytes / 1e6).toFixed(1) : String(Math.round(bytes / 1e6)));

export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return seconds < 100 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;
}

/** An error whose message is meant for the reader of the screen, in both languages, without a stack. */
export class SetupError extends Error {
  constructor(zh, en) {
    super(zh);
    this.name = 'SetupError';
    this.texts = { zh, en };
  }
}

const NOT_WRITABLE = ['EROFS', 'EACCES', 'EPERM'];
const FULL = ['ENOSPC', 'EDQUOT'];

/** What the system says about a folder that cannot be written, or a full disk, as something that can be acted upon. */
export function diskError({ code, path: place }) {
  if (NOT_WRITABLE.includes(code)) {
    return new SetupError(
      `不能写 ${place}（${code}）。软件包、设置和你的笔记本都存在课程的文件夹里，它必须能写。请把整个文件夹复制到自己的目录，在那里再运行一次：\n  cp -r "${root}" ~/convscope && cd ~/convscope && npm start\n（若以前用 sudo 安装过，也可以把它要回来：sudo chown -R "$USER" "${root}"）`,
      `${place} cannot be written (${code}). Packages, settings and your notebooks lie in the course's folder, which has to be writable. Copy the whole folder to a place of your own and start there:\n  cp -r "${root}" ~/convscope && cd ~/convscope && npm start\n(if it was installed with sudo once: sudo chown -R "$USER" "${root}")`,
    );
  }
  if (!FULL.includes(code)) return undefined;
  return new SetupError(
    `磁盘已满：写不下 ${place ?? root}（${code}）。请腾出空间（完整安装约需 2 GB），再运行一次；已经装好的部分会保留。`,
    `the disk is full: no room for ${place ?? root} (${code}). Make room (a complete set-up takes about 2 GB) and start again; what is done is kept.`,
  );
}

export class Report {
  #line = false;
  #lastPrinted = 0;

  /** @param {{ lang?: string, stream?: { write(text: string): unknown, isTTY?: boolean }, terminal?: boolean }} [options] */
  constructor({ lang = 'zh', stream = process.stdout, terminal = stream.isTTY } = {}) {
    this.lang = lang;
    this.stream = stream;
    this.terminal = terminal;
  }

  text(zh, en) {
    return this.lang === 'en' ? en : zh;
  }

  say(zh, en) {
    this.#clear();
    this.stream.write(`${this.text(zh, en)}\n`);
  }

  /** A line that the next one replaces; where there is no terminal, at most one line every 10 s. */
  progress(zh, en) {
    const text = this.text(zh, en);
    if (this.terminal) {
      this.stream.write(`\r\u001b[K  ${text}`);
      this.#line = true;
    } else if (Date.now() - this.#lastPrinted > 10_000) {
      this.#lastPrinted = Date.now();
      this.stream.write(`  ${text}\n`);
    }
  }

  #clear() {
    if (this.#line) this.stream.write('\r\u001b[K');
    this.#line = false;
  }

  /** Does one step, says when it begins and how long it took. */
  async step([zh, en], work) {
    this.say(`… ${zh}`, `… ${en}`);
    this.#lastPrinted = Date.now();
    const start = Date.now();
    const result = await work();
    const took = duration(Date.now() - start);
    this.say(`✓ ${zh}（${took}）`, `✓ ${en} (${took})`);
    return result;
  }

  /** Shows how a folder grows (programs like pip say nothing without a terminal) while `work` runs. */
  async watchSize(folder, [zh, en], totalBytes, work) {
    const start = Date.now();
    const tick = () => {
      const size = megabytes(freshBytes(folder));
      const of = totalBytes ? ` / ${megabytes(totalBytes)}` : '';
      const time = duration(Date.now() - start);
      this.progress(`${zh}：${size}${of} MB，${time}`, `${en}: ${size}${of} MB, ${time}`);
    };
    const timer = setInterval(tick, 1000);
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  error(error) {
    this.#clear();
    const { texts } = diskError(error) ?? error;
    process.stderr.write(`✗ ${texts ? this.text(texts.zh, texts.en) : error.message}\n`);
  }
}

function freshBytes(folder, depth = 0) {
  let total = 0;
  try {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory() && depth < 4) total += freshBytes(file, depth + 1);
      else if (entry.isFile()) total += fs.statSync(file).size;
    }
  } catch {
    // files come and go while we look
  }
  return total;
}
