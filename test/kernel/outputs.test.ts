import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Kernel } from './client';

let kernel: Kernel;
test.before(async () => {
  kernel = await Kernel.start();
});
test.after(() => kernel.stop());

test('10 MB of text, in one piece and in twenty thousand, and a 10 MB picture', async () => {
  const one = await kernel.run("console.log('x'.repeat(10_000_000))");
  assert.is(one.stdout.length, 10_000_001);
  const many = await kernel.run("for (let i = 0; i < 20_000; i++) console.log('line', i);");
  assert.is(many.stdout.split('\n').length, 20_001);
  assert.ok(many.stdout.endsWith('line 19999\n'));
  assert.ok(many.published.length < 200, `${many.published.length} messages`);
  const picture = await kernel.run("import * as tslab from 'tslab';\ntslab.display.png(Buffer.alloc(10_000_000, 1));");
  const shown = picture.published.find((m) => m.type === 'display_data')!;
  assert.is(Buffer.from(shown.content.data['image/png'], 'base64').length, 10_000_000);
});

test('streams keep their order among each other and with displays', async () => {
  const cell = await kernel.run(
    "console.log('1'); console.error('2'); tslab.display.text('3'); process.stdout.write('4 中文'); '5'",
  );
  const order = cell.published.slice(1).map((m) => m.content.text ?? m.content.data['text/plain']);
  assert.equal(order, ['1\n', '2\n', '3', '4 中文', "'5'"]);
});

test('tslab.display and newDisplay work as in tslab', async () => {
  const cell = await kernel.run(
    "const d = tslab.newDisplay(); for (let i = 0; i < 3; i++) d.html('<b>' + i + '</b>');",
  );
  const kinds = cell.published.slice(1).map((m) => m.type);
  assert.equal(kinds, ['display_data', 'update_display_data', 'update_display_data']);
  const ids = new Set(cell.published.slice(1).map((m) => m.content.transient.display_id));
  assert.is(ids.size, 1);
  assert.ok([...ids][0]);
});

test('a value shows itself through Symbol.for("Jupyter.display")', async () => {
  const cell = await kernel.run(
    "({ [Symbol.for('Jupyter.display')]: async () => ({ 'text/html': '<i>hi</i>', 'image/png': new Uint8Array([1, 2, 3]) }) })",
  );
  assert.is(cell.data!['text/html'], '<i>hi</i>');
  assert.is(cell.data!['image/png'], 'AQID');
  assert.ok(cell.text);
  const broken = await kernel.run("({ [Symbol.for('Jupyter.display')]() { throw new Error('cannot'); } })");
  assert.is(broken.error!.evalue, 'cannot');
});

test.run();
