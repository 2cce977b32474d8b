/**
 * Keeps what the lab has loaded, so that it opens and runs again without a network, and adds the headers that let wasm
 * use threads, which a plain web server does not give. `VERSION` stands above: with every build of the site another.
 */
/* global VERSION */
'use strict';

const PREFIX = 'convscope-';
const CACHE = PREFIX + VERSION;
const ISOLATED = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };

/** Of one address only one answer: JupyterLab puts the chapter, a build or the time behind the question mark. */
const keyOf = ({ url }) => url.replace(/[?#].*/, '');

function isolated(response) {
  if (response.status === 0 || response.redirected) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(ISOLATED)) headers.set(name, value);
  const { status, statusText } = response;
  return new Response(response.body, { status, statusText, headers });
}

/** One version at a time: what is kept is given without asking, until a new build's worker takes over (door.js). */
async function answer(event) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  const kept = await cache.match(keyOf(request));
  if (kept) return isolated(kept);
  const got = await fetch(request);
  if (got.status === 200 && !got.redirected) {
    // a full disk is no reason not to run
    const storing = cache.put(keyOf(request), got.clone()).catch((error) => console.warn(error));
    event.waitUntil(storing);
  }
  return isolated(got);
}

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)),
  );
  await self.clients.claim();
}

self.addEventListener('activate', (event) => event.waitUntil(forgetOthers()));
self.addEventListener('message', ({ data }) => data === 'take over' && self.skipWaiting());
self.addEventListener('fetch', (event) => {
  const { method, url } = event.request;
  if (method === 'GET' && url.startsWith(self.registration.scope)) event.respondWith(answer(event));
});
