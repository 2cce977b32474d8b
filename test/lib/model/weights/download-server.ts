import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Test } from 'uvu';
import * as assert from 'uvu/assert';
import { fetchNetworkFiles, type FetchOptions } from '../../../../lib/model/weights/download';
import type { DownloadSettings, Host } from '../../../../lib/model/weights/settings';
import { CourseError } from '../../../../lib/base/errors';
import { networkFiles, type NetworkFilesId, type WeightFile } from '../../../../lib/model/weights/catalogue';

/** SqueezeNet's one file. */
export const NAME = 'compressed_SqueezeNet.net';

/** The made-up SqueezeNet is longer, and so resumed; AlexNet's files are not. */
export const RESUMED = 100_000;

export interface Request {
  readonly file: string;
  readonly range: string | undefined;
}

/** How a server treats one request. */
export type Manner = (request: Request, response: http.ServerResponse, content: Buffer) => void;

export interface TestServer {
  readonly url: string;
  readonly host: Host;
  readonly requests: Request[];
  close(): Promise<void>;
}

/** The head of an answer to the whole or to a range; returns where the answer begins. */
export const answerHead: (...words: Parameters<Manner>) => number = ({ range }, response, content) => {
  const from = range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
  const headers: http.OutgoingHttpHeaders = { 'content-length': content.length - from };
  if (range) headers['content-range'] = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(range ? 206 : 200, headers);
  return from;
};

/** As an ordinary web server does: the whole file, or from the asked byte on. */
export const serve: Manner = (request, response, content) =>
  void response.end(content.subarray(answerHead(request, response, content)));

/** Promises everything and hangs up after `bytes`. */
export const breakOffAfter =
  (bytes: number): Manner =>
  (request, response, content) => {
    const from = answerHead(request, response, content);
    response.write(content.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 20));
  };

/**
 * Sends up to each of these places in turn, and hangs up when `onProgress`, the downloader's, has reached it; then
 * the rest.
 */
export function breakOffAt(places: readonly number[]) {
  let hangUp: (() => void) | undefined;
  let next = 0;
  const manner: Manner = (request, response, content) => {
    if (next === places.length) return serve(request, response, content);
    hangUp = () => response.destroy();
    response.write(content.subarray(answerHead(request, response, content), places[next]));
  };
  const onProgress = ({ received }: { received: number }) => {
    if (received !== places[next]) return;
    next++;
    hangUp!();
  };
  return { manner, onProgress };
}

/** Starts a server, on the loopback unless told otherwise, that holds `contents`, under whatever folder they are asked for. */
export async function startServer(
  contents: Map<string, Buffer>,
  manner: Manner | Manner[] = serve,
  title = 'test server',
  { host, port } = { host: '127.0.0.1', port: 0 },
): Promise<TestServer> {
  const requests: Request[] = [];
  const server = http.createServer((incoming, response) => {
    const file = decodeURIComponent(path.posix.basename(incoming.url!));
    const request = { file, range: incoming.headers.range };
    requests.push(request);
    const content = contents.get(file);
    if (!content) return void response.writeHead(404).end();
    const manners = Array.isArray(manner) ? manner : [manner];
    manners[Math.min(requests.length, manners.length) - 1](request, response, content);
  });
  await new Promise<void>((ready) => server.listen(port, host, ready));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    host: { title, address: (file) => `${url}/${file.path}` },
    requests,
    close: () =>
      new Promise((closed) => {
        server.closeAllConnections();
        server.close(() => closed());
      }),
  };
}

/** A host that refuses every connection: the port was free a moment ago. */
export async function deadHost(): Promise<Host> {
  const server = await startServer(new Map(), serve, 'dead host');
  await server.close();
  return server.host;
}

export const emptyFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'convscope 缓存-'));

/**
 * Puts small made-up files in the place of SqueezeNet's one file and AlexNet's fifteen, and returns their contents:
 * the real ones may not be shipped, and the downloader looks at nothing but length and hash.
 */
export function makeUpFiles(): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (const set of Object.values(networkFiles)) {
    set.files.forEach((file, i) => {
      const bytes = set.id === 'squeezenet' ? 200_000 : 1000 + 37 * i;
      const content = Buffer.from(Array.from({ length: bytes }, (_, k) => (k * 31 + i * 7 + (k >> 8)) & 255));
      contents.set(file.name, content);
      const made: Partial<Record<keyof WeightFile, unknown>> = {
        bytes,
        sha256: file.sha256 && createHash('sha256').update(content).digest('hex'),
        gitBlob: createHash('sha1').update(`blob ${bytes}\0`).update(content).digest('hex'),
      };
      Object.assign(file, made);
    });
  }
  return contents;
}

/** What a test of the downloader needs: made-up files, servers and folders that vanish after each test. */
export function downloadFixture(test: Test) {
  const contents = makeUpFiles();
  const servers: TestServer[] = [];
  const folders: string[] = [];
  test.after.each(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    for (const made of folders.splice(0)) fs.rmSync(made, { recursive: true, force: true });
  });

  /** No host but the test's, no folder, and patience enough for a busy machine. */
  const settings = (changes: Partial<DownloadSettings>): Partial<DownloadSettings> => ({
    folder: undefined,
    mirror: undefined,
    hosts: [],
    offline: false,
    resumeOver: RESUMED,
    connectTimeout: 9000,
    stallTimeout: 9000,
    ...changes,
  });

  return {
    contents,
    content: contents.get(NAME)!,
    settings,
    folder() {
      folders.push(emptyFolder());
      return folders.at(-1)!;
    },
    async start(manner?: Manner | Manner[], title?: string, files = contents) {
      servers.push(await startServer(files, manner, title));
      return servers.at(-1)!;
    },
    get: (changes: Partial<DownloadSettings>, id: NetworkFilesId = 'squeezenet', options: FetchOptions = {}) =>
      fetchNetworkFiles(id, { settings: settings(changes), ...options }),
    intact(files: Map<string, Uint8Array>) {
      for (const [name, bytes] of files) assert.ok(contents.get(name)!.equals(bytes), name);
    },
    /** Whole files and nothing else: no half-done download, no other name. */
    assertCacheHolds(cache: string, ...names: string[]) {
      assert.equal(fs.readdirSync(cache).sort(), [...names].sort());
      for (const name of names) {
        assert.ok(fs.readFileSync(path.join(cache, name)).equals(contents.get(name)!), name);
      }
    },
  };
}

/** Asserts a CourseError that tells all of this. */
export async function refused(promise: Promise<unknown>, ...told: RegExp[]): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, CourseError, String((error as Error).stack));
    for (const what of told) assert.match((error as Error).message, what);
    return error as Error;
  }
  return assert.unreachable('没有报错') as never;
}
