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
  const address = new URL('service-worker.js', /** @type {HTMLScriptElement} */ (document.currentScript).src);

  if (!workers.controller) {
    if (sessionStorage.getItem(TRIED)) return;
    sessionStorage.setItem(TRIED, 'yes');
    window.stop();
    const registered = workers.register(address, { updateViaCache: 'none' });
    void registered.then(() => workers.ready).finally(() => location.reload());
    return;
  }
  sessionStorage.removeItem(TRIED);
  void workers.getRegistration().then((registration) => {
    const { waiting } = registration;
    if (!waiting) return;
    // a newer build: it takes over before this page has begun
    workers.addEventListener('controllerchange', () => location.reload(), { once: true });
    waiting.postMessage('take over');
  });
  // one is looked for when the page is there, for the next time; without a network there is none
  window.addEventListener('load', () => {
    workers.getRegistration().then((registration) => registration.update()).catch(() => undefined); // prettier-ignore
  });
})();
