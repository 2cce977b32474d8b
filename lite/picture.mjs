/** node lite/picture.mjs: docs/lab.jpg, chapter 01 as it runs in the lab that `npm run site` has built. */
import { inRoot } from '../scripts/setup/paths.mjs';
import { newProfile, openChapter, runAll, startSite } from '../test/site/lab.mjs';

const site = await startSite();
const page = await openChapter(await newProfile(site, { viewport: { width: 1200, height: 800 } }), '01-filters');
await runAll(page);
// the address bar is no part of a page: what one sees is JupyterLab itself
await page.evaluate(async () => {
  const { content } = globalThis.jupyterapp.shell.currentWidget;
  const index = content.widgets.findIndex(({ model }) => /^## 3/.test(model.sharedModel.getSource()));
  content.activeCellIndex = index;
  await content.scrollToItem(index, 'start');
});
await page.waitForTimeout(2000);
await page.screenshot({ path: inRoot('docs', 'lab.jpg'), type: 'jpeg', quality: 80 });
await site.close();
