/**
 * Every public function that can be stopped (its options take a `signal`) is a LongRun: it tells `onStep` how much is
 * done of how much, stops within a step, and hands over what there is with `stopped`. Found by their types, run on
 * their examples.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../lib/index';
import { enterExamples, type Given, runExample } from '../example-runs';
import { readExamples } from '../public-functions';

const { dispose, tf } = library;
type Call = (...args: unknown[]) => Promise<unknown>;

/** Downloads: they count bytes, and of half a file there is nothing to hand over. */
const DOWNLOADS = ['loadCourseModel', 'loadModel', 'untrainedModel'];
const found = readExamples('').functions.flatMap(({ longRun, ...rest }) =>
  longRun && !DOWNLOADS.includes(rest.name) ? [{ ...rest, longRun }] : [],
);

let given: Given & { leave(): void };
test.before(async () => void (given = await enterExamples()));
test.after(() => given.leave());

test('by their types: onStep with done and total, stopped in the result', () => {
  assert.ok(found.length > 25, found.map(({ name }) => name).join());
  const wrong = found.filter(
    ({ longRun: { step, result } }) =>
      !step?.includes('done') || !step.includes('total') || !result.includes('stopped'),
  );
  assert.equal(
    wrong.map(({ name, at }) => `${name} ${at}`),
    [],
  );
});

/** The function of that name, which its example makes run three times: to the end, stopped at a step, and before. */
function watched(call: Call, options: number, seen: { runs: number }): Call {
  const stoppedIn = (result: unknown) =>
    ((Array.isArray(result) ? result[result.length - 1] : result) as { stopped?: string } | undefined)?.stopped;
  const runOnce = async (right: readonly unknown[], signal: AbortSignal | undefined, onStep: () => void) => {
    const args = [...right];
    const steps: { done: number; total: number }[] = [];
    args[options] = {
      ...(right[options] as object),
      signal,
      onStep: (step: { done: number; total: number }) => {
        steps.push({ done: step.done, total: step.total });
        onStep();
      },
    };
    const result = await call(...args);
    for (const { done, total } of steps) assert.ok(done >= 0 && done <= total && total > 0, `${done} / ${total}`);
    assert.ok(steps.every(({ done }, i) => i === 0 || done >= steps[i - 1].done), '越走越少'); // prettier-ignore
    return { steps, result };
  };
  return async (...right) => {
    seen.runs++;
    const stop = new AbortController();
    for (const [signal, onStep] of [
      [stop.signal, () => stop.abort()],
      [AbortSignal.abort(), () => undefined],
    ] as const) {
      const { numTensors } = tf.memory();
      const { steps, result } = await runOnce(right, signal, onStep);
      assert.ok(steps.length <= 2, `停下之前又走了 ${steps.length} 步`);
      const whole = steps.some(({ done, total }) => done === total);
      if (!whole && !(Array.isArray(result) && !result.length)) assert.is(stoppedIn(result), 'aborted');
      // A network in a result is the caller's to release.
      dispose((result as { model?: object }).model, result as object);
      assert.is(tf.memory().numTensors, numTensors, '停下之后留下了张量');
    }
    const { steps, result } = await runOnce(right, undefined, () => undefined);
    assert.ok(steps.length > 0, '没有调用 onStep');
    assert.is(stoppedIn(result), undefined);
    return result;
  };
}

for (const { name, examples, longRun } of found) {
  test(name, async () => {
    const seen = { runs: 0 };
    const call = watched((library as unknown as Record<string, Call>)[name], longRun.options, seen);
    for (const code of examples) await runExample(code, { ...library, ...given, [name]: call });
    assert.ok(seen.runs > 0, '它的例子没有调用它');
  });
}

test.run();
