/**
 * The main job as a student does it: npm start, JupyterLab opens, Run All, pictures appear. For the chapters of
 * RUN_IN_BROWSER this is their execution in `npm test`, judged as the others are. Needs a Chromium.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { claimFaults, claimsOnRecord } from '../../scripts/notebooks/claims.mjs';
import { RUN_IN_BROWSER } from '../../scripts/notebooks/execute.mjs';
import { claimsOf, codeCells, outputFaults, substituted } from '../../scripts/notebooks/rules.mjs';
import { copyOf, folder, pageFaults, runAll, startLab } from './browser.mjs';

let lab;
test.before(async () => {
  lab = await startLab();
});
test.after(async () => {
  await lab?.stop();
});

for (const name of RUN_IN_BROWSER) {
  test(`${name}: opens with its kernel in Chinese, runs from top to bottom, shows pictures`, async () => {
    copyOf(name);
    const opened = await lab.open(name);
    const { page } = opened;
    try {
      assert.is(await page.locator('.jp-Dialog').count(), 0, 'a dialog is in the way');
      await page.screenshot({ path: `${folder}/${name}-opened.png` });
      const notebook = await runAll(page, name);
      assert.ok(
        codeCells(notebook).every((cell) => cell.execution_count > 0),
        'every cell has run',
      );
      const substitute = substituted(notebook);
      const claims = substitute ? [] : claimFaults(claimsOf(notebook), claimsOnRecord(name));
      assert.equal([...outputFaults(notebook, { substitute }), ...claims], []);
      assert.equal(await pageFaults(opened, notebook, `${name}-run.png`), []);
    } finally {
      await lab.close(page);
    }
  });
}

test.run();
