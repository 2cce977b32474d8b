/** The other chapters as a reader without patience sees them: opened with their saved outputs. Needs a Chromium. */
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notebookFiles, RUN_IN_BROWSER } from '../../scripts/notebooks/execute.mjs';
import { errorCells } from '../../scripts/notebooks/rules.mjs';
import { copyOf, pageFaults, startLab } from './browser.mjs';

let lab;
test.before(async () => {
  lab = await startLab();
});
test.after(async () => {
  await lab?.stop();
});

const names = notebookFiles().map((file) => path.basename(file));
for (const name of names.filter((other) => !RUN_IN_BROWSER.includes(other))) {
  test(`${name}: opens with its saved pictures, none blank, nothing from the internet`, async () => {
    const notebook = copyOf(name);
    assert.equal(errorCells(notebook), []);
    const opened = await lab.open(name);
    try {
      assert.equal(await pageFaults(opened, notebook, `${name}-saved.png`), []);
    } finally {
      await lab.close(opened.page);
    }
  });
}

test.run();
