/** The download of weights, killed and started again: no file that is not whole, and no half of one left. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../../../lib/base/paths';
import {
  answerHead,
  makeUpFiles,
  type Manner,
  startServer,
  type TestServer,
} from '../../lib/model/weights/download-server';
import { type Area, litter } from './area';
import { start } from './course';

const PIECES = 20;
const PIECE_MS = 25;

/** A slow line: there is always something half done. Answers are resumed where a part is left. */
export const slowly: Manner = (request, response, content) => {
  let at = answerHead(request, response, content);
  const step = Math.ceil(content.length / PIECES);
  const timer = setInterval(() => {
    if (at >= content.length || response.destroyed) {
      clearInterval(timer);
      return void response.end();
    }
    response.write(content.subarray(at, (at += step)));
  }, PIECE_MS);
};

export async function downloadArea(scratch: string): Promise<Area & { close(): Promise<void> }> {
  const contents = makeUpFiles();
  const server: TestServer = await startServer(contents, slowly);
  const cache = path.join(scratch, 'models');
  const program = path.join(projectRoot(), 'test', 'lib', 'model', 'weights', 'download-process.ts');
  const environment = { ...process.env };
  delete environment.CONVSCOPE_MODELS;
  const wrong = () =>
    (fs.existsSync(cache) ? fs.readdirSync(cache) : [])
      .filter((name) => contents.has(name) && !fs.readFileSync(path.join(cache, name)).equals(contents.get(name)!))
      .map((name) => `缓存里的 ${name} 不完整`);
  return {
    name: '下载',
    prepare: () => fs.rmSync(cache, { recursive: true, force: true }),
    begin() {
      const before = server.requests.length;
      const running = start([...process.execArgv, program, cache, server.url], projectRoot(), environment);
      return { ...running, phase: () => (server.requests.length > before ? '传输' : '还没有问主机') };
    },
    between: wrong,
    check(code, output) {
      const whole = /(\d+) files intact/.exec(output)?.[1];
      const count = fs.existsSync(cache) ? fs.readdirSync(cache).length : 0;
      const faults = code === 0 && whole && Number(whole) === count ? [] : [`以 ${code} 结束：${output}`];
      return [...faults, ...wrong(), ...(fs.existsSync(cache) ? litter(cache) : [])];
    },
    close: () => server.close(),
  };
}
