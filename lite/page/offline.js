/** The page that stores the whole course: every file of the lab is asked for once, and the service worker keeps it. */
(async () => {
  // a server answers few requests at a time, and a browser asks one host for six at most
  const AT_ONCE = 4;
  const button = /** @type {HTMLButtonElement} */ (document.getElementById('store'));
  const bar = /** @type {HTMLProgressElement} */ (document.getElementById('bar'));
  const said = document.getElementById('said');
  const megabytes = (bytes) => `${Math.round(bytes / 1e6)} MB`;

  if (!navigator.serviceWorker?.controller) {
    said.textContent =
      '这里存不下来：浏览器只让 https 的网站（或本机的 localhost）这样做，有的浏览器在无痕窗口里也不让。';
    return;
  }
  const { files, bytes } = await (await fetch('offline.json')).json();
  button.textContent = `存下全部课程（${megabytes(bytes)}）`;
  button.disabled = false;

  async function store() {
    button.disabled = true;
    bar.hidden = false;
    // otherwise a browser short of space may drop it
    await navigator.storage?.persist?.();
    const queue = [...files];
    let done = 0;
    async function next() {
      for (let file = queue.shift(); file; file = queue.shift()) {
        const [name, size] = file;
        const response = await fetch(name);
        if (!response.ok) throw new Error(`${name}：${response.status}`);
        await response.arrayBuffer();
        done += size;
        bar.value = done / bytes;
        said.textContent = `${megabytes(done)} / ${megabytes(bytes)}`;
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    said.textContent = `存好了（${megabytes(bytes)}）：没有网络也能打开、运行全部十章。`;
  }
  button.onclick = () =>
    store().catch((error) => {
      said.textContent = `没有存完：${error.message}。再按一次，从断的地方接着存。`;
      button.disabled = false;
    });
})().catch((error) => {
  document.getElementById('said').textContent = `取不到要存的清单：${error.message}。请接上网络，再打开这一页。`;
});
