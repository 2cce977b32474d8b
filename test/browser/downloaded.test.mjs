/**
 * The chapters on a downloaded network, executed in JupyterLab; `npm test` has executed them on the one that stands in
 * for it. Needs a Chromium and the weights.
 */
import { test } from 'uvu';
import { TWO_NETWORKS } from '../../scripts/notebooks/execute.mjs';
import { weightsReady } from '../../scripts/setup/weights.mjs';
import { startLab } from './browser.mjs';
import { runChapter } from './run-all.mjs';

let lab;
test.before(async () => {
  lab = await startLab();
});
test.after(async () => {
  await lab?.stop();
});

for (const name of TWO_NETWORKS) {
  const title = `${name}: runs from top to bottom on the downloaded network, shows pictures`;
  if (weightsReady()) test(title, () => runChapter(lab, name));
  else {
    console.log(`SKIP ${title}: the weights are not here`);
    test.skip(title, () => {});
  }
}

test.run();
