/**
 * The main job: npm start, JupyterLab opens, Run All, pictures appear. This is the execution of the chapter in
 * `npm test`; the others of RUN_IN_BROWSER are in downloaded.test.mjs. Needs a Chromium.
 */
import { test } from 'uvu';
import { RUN_IN_BROWSER, TWO_NETWORKS } from '../../scripts/notebooks/execute.mjs';
import { startLab } from './browser.mjs';
import { runChapter } from './run-all.mjs';

let lab;
test.before(async () => {
  lab = await startLab();
});
test.after(async () => {
  await lab?.stop();
});

for (const name of RUN_IN_BROWSER.filter((chapter) => !TWO_NETWORKS.includes(chapter))) {
  test(`${name}: opens with its kernel in Chinese, runs from top to bottom, shows pictures`, () =>
    runChapter(lab, name));
}

test.run();
