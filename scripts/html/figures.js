/**
 * Brings the plotly figures of a page to life when they come into view. Until then, without scripts and on paper the
 * static picture stands there. On the site, plotly and the figures' data are scripts beside the pages: a page opened
 * from a folder may not read files, but it may load scripts. An exported notebook has both inside.
 */
(() => {
  const root = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/figures\.js.*$/, '');
  const waiting = new Map();
  const scripts = new Map();

  globalThis.convscopeFigure = (key, figure) => waiting.get(key)?.(figure);

  function load(address) {
    if (!scripts.has(address)) {
      const loading = new Promise((resolve, reject) => {
        const script = document.createElement('script');
        Object.assign(script, { src: address, onload: resolve, onerror: reject });
        document.head.append(script);
      });
      scripts.set(address, loading);
    }
    return scripts.get(address);
  }

  function dataOf(holder) {
    const inside = holder.querySelector('script[type="application/json"]');
    if (inside) return JSON.parse(inside.textContent);
    const { key, script } = holder.dataset;
    return new Promise((resolve, reject) => {
      waiting.set(key, resolve);
      load(script).catch(reject);
    });
  }

  /**
   * Drawings whose parts are placed by fractions shrink in both directions, a little, because their letters do not
   * shrink; charts become narrower. What is still too wide is moved with the finger.
   */
  function fitted(layout, room) {
    const { width, height, margin = {} } = layout;
    if (!(width > room)) return layout;
    const placed = margin.autoexpand === false;
    const factor = Math.max(room / width, placed ? 0.8 : 480 / width);
    const [top, bottom] = [margin.t ?? 0, margin.b ?? 0];
    const scaled = placed ? (height - top - bottom) * factor + top + bottom : height;
    return { ...layout, width: Math.round(width * Math.min(1, factor)), height: Math.round(scaled) };
  }

  async function enliven(holder) {
    const plotly = globalThis.Plotly ?? load(`${root}plotly.min.js`);
    const [{ data, layout, config }] = await Promise.all([dataOf(holder), plotly]);
    const live = document.createElement('div');
    live.className = 'cs-live';
    holder.append(live);
    await globalThis.Plotly.newPlot(live, data, fitted(layout, holder.clientWidth), { ...config, displaylogo: false });
    holder.classList.add('cs-alive');
  }

  function start() {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (!isIntersecting) continue;
          observer.unobserve(target);
          // the static picture stays
          enliven(target).catch((error) => console.error('figure', target.getAttribute('data-key') ?? '', error));
        }
      },
      { rootMargin: '300px 0px' },
    );
    for (const holder of document.querySelectorAll('.cs-figure')) observer.observe(holder);
  }

  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
})();
