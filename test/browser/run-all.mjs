/** A chapter as a student does it: JupyterLab opens, Run All, pictures appear; judged as an execution without Lab is. */
import * as assert from 'uvu/assert';
import { claimFaults, claimsOnRecord } from '../../scripts/notebooks/claims.mjs';
import { claimsOf, codeCells, outputFaults, substituted } from '../../scripts/notebooks/rules.mjs';
import { copyOf, folder, pageFaults, runAll } from './browser.mjs';

export async function runChapter(lab, name) {
  copyOf(name, { executed: false });
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
}
