'use strict';
/** Node's `url`: paths and file: addresses. */
const fileURLToPath = (url) => decodeURIComponent(new URL(url).pathname);
const pathToFileURL = (name) => new URL(`file://${name.split('/').map(encodeURIComponent).join('/')}`);

module.exports = { fileURLToPath, pathToFileURL, URL: globalThis.URL, URLSearchParams: globalThis.URLSearchParams };
