/** npm run site -- --serve: a plain server for the finished site; only this machine reaches it unless told otherwise. */
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.mjs': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.json': 'application/json', '.ipynb': 'application/json', '.wasm': 'application/wasm', '.svg': 'image/svg+xml', '.png': 'image/png', '.jpg': 'image/jpeg', '.webmanifest': 'application/manifest+json', '.woff2': 'font/woff2', '.gz': 'application/octet-stream' }; // prettier-ignore

/** Every address that this machine has. */
const ANY = '0.0.0.0';
const ownAddress = () =>
  Object.values(os.networkInterfaces())
    .flat()
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';

/** With these a page may share memory between its threads: wasm then uses several cores. */
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/**
 * @param {string} folder @param {{ port?: number, host?: string, isolated?: boolean, onRequest?: (name: string, bytes: number) => void }} [options]
 * @returns {Promise<{ address: string, close: () => Promise<void> }>}
 */
export async function serveFolder(
  folder,
  { port = 0, host = '127.0.0.1', isolated = true, onRequest = () => undefined } = {},
) {
  const base = path.resolve(folder);
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    let file = path.join(base, name);
    if (file !== base && !file.startsWith(base + path.sep)) return response.writeHead(403).end();
    if (fs.statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
      if (!name.endsWith('/')) return response.writeHead(302, { Location: `${name}/` }).end();
      file = path.join(file, 'index.html');
    }
    const stat = fs.statSync(file, { throwIfNoEntry: false });
    if (!stat?.isFile()) return response.writeHead(404).end();
    onRequest(name, stat.size);
    const headers = {
      'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
      'Content-Length': stat.size,
      'Cache-Control': 'no-cache',
    };
    response.writeHead(200, { ...headers, ...(isolated ? ISOLATED : {}) });
    if (request.method === 'HEAD') return response.end();
    return fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(undefined));
  });
  const close = () => new Promise((resolve) => (server.close(resolve), server.closeAllConnections()));
  const at = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { address: `http://${host === ANY ? ownAddress() : host}:${at.port}`, close };
}
