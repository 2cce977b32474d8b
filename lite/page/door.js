/**
 * The first script of every page of the lab: sees to it that the service worker beside it answers from the very first
 * file on. It costs one reload at the first visit; where there is none (plain http from another machine) all runs
 * without: not offline, and wasm with one thread.
 */
(() => {
  /** Once in a session: where no worker takes over, the page would turn in circles. */
  const TRIED = 'convscope-door';
  const workers = navigator.serviceWorker;
  if (!workers) return;
  const address = new URL('service-worker.js', document.currentScript.src);
  const registered = workers.register(address, { updateViaCache: 'none' });

  if (!workers.controller) {
    if (sessionStorage.getItem(TRIED)) return;
    sessionStorage.setItem(TRIED, 'yes');
    window.stop();
    registered.then(() => workers.ready).finally(() => location.reload());
    return;
  }
  sessionStorage.removeItem(TRIED);
  // a newer build waits: it takes over before this page has begun
  registered
    .then(({ waiting }) => {
      if (!waiting) return;
      workers.addEventListener('controllerchange', () => location.reload(), { once: true });
      waiting.postMessage('take over');
    })
    .catch((error) => console.warn(error));
})();
