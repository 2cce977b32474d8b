import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import type { Host } from '../../lib/download/settings';
import { networkFiles, type WeightFile } from '../../lib/networks/files';

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

/** As an ordinary web server does: the whole file, or from the asked byte on. */
export const serve: Manner = ({ range }, response, content) => {
  const from = range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
  const headers: http.OutgoingHttpHeaders = { 'content-length': content.length - from };
  if (range) headers['content-range'] = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(range ? 206 : 200, headers);
  response.end(content.subarray(from));
};

/** Promises everything and hangs up after `bytes`. */
export const breakOffAfter =
  (bytes: number): Manner =>
  ({ range }, response, content) => {
    const from = range ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
    const headers: http.OutgoingHttpHeaders = { 'content-length': content.length - from };
    if (range) headers['content-range'] = `bytes ${from}-${content.length - 1}/${content.length}`;
    response.writeHead(range ? 206 : 200, headers);
    response.write(content.subarray(from, from + bytes), () => setTimeout(() => response.destroy(), 20));
  };

/** Starts a server on the loopback that holds `contents`, under whatever folder they are asked for. */
export async function startServer(
  contents: Map<string, Buffer>,
  manner: Manner | Manner[] = serve,
  title = 'test server',
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
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
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
