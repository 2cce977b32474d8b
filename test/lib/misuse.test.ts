/**
 * What a learner may hand a public function by mistake: nothing at all, or something else in the place of one of the
 * arguments of its example. Either it works, or it says in Chinese what was wrong; no NaN comes back, no `undefined`
 * where there should be a result, and no tensor stays behind. The functions are found by themselves: a new one is in.
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import * as library from '../../lib/index';
import { enterExamples, type Given, runExample } from '../example-runs';
import { readExamples } from '../public-functions';

const { dispose, tf } = library;
type Call = (...args: unknown[]) => unknown;

/** They hand on what they are given, whatever that is. */
const PASS_ON = ['shuffled', 'setSink'];
let given: Given & { leave(): void };
let [gone, other]: library.tf.Tensor[] = [];

test.before(async () => {
  given = await enterExamples();
  [gone, other] = [tf.scalar(1), tf.ones([2, 3])];
  gone.dispose();
});
test.after(() => {
  other.dispose();
  given.leave();
});

/** Wrong in the place of what is right, each with a name. */
function wrongFor(right: unknown): Map<string, unknown> {
  const wrong = new Map<string, unknown>([
    ['undefined', undefined],
    ['null', null],
    ['[]', []],
    ['NaN', NaN],
    ['文字', '文字'],
    ['{}', {}],
    ['释放了的张量', gone],
    ['没有 await 的', Promise.resolve(right)],
  ]);
  if (right instanceof tf.Tensor) wrong.set('张量的数', Array.from(right.dataSync()));
  else wrong.set('张量', other);
  if (!Array.isArray(right) || right.length === 0) return wrong;
  for (const [name, item] of [...wrong]) wrong.set(`[${name}, …]`, [item, ...right.slice(1)]);
  return wrong.set('少一个', right.slice(1));
}

/** No arguments where it needs some, then each of them replaced; of those with a default all but the options. */
function* wrongCalls({ length }: Call, right: readonly unknown[]): Generator<[string, unknown[]]> {
  if (length) yield ['()', []];
  for (let n = 0; n < right.length; n++) {
    if (n >= length && typeof right[n] === 'object' && !Array.isArray(right[n])) continue;
    for (const [name, wrong] of wrongFor(right[n])) {
      yield [`第 ${n + 1} 个参数是 ${name}`, right.map((value, i) => (i === n ? wrong : value))];
    }
  }
}

function hasNaN(value: unknown, depth = 0): boolean {
  if (typeof value === 'number') return Number.isNaN(value);
  if (value instanceof tf.Tensor) return !value.isDisposed && hasNaN(value.dataSync());
  if (ArrayBuffer.isView(value)) return (value as Float32Array).some(Number.isNaN);
  if (typeof value !== 'object' || value === null || depth > 3) return false;
  return Object.values(value).some((part) => hasNaN(part, depth + 1));
}

/** What is wrong with what a wrong call came to. */
function faultOf(name: string, right: readonly unknown[], result: unknown, expected: unknown): string | undefined {
  if (PASS_ON.includes(name)) return undefined;
  if (result === undefined && expected !== undefined) return '返回 undefined';
  const fault = hasNaN(result) ? '返回 NaN' : undefined;
  if (!right.includes(result) && typeof result === 'object') dispose(result);
  return fault;
}

const faultIn = (error: unknown) =>
  error instanceof Error && /[\u4e00-\u9fff]/.test(error.message) ? undefined : String(error);

/** The function, which calls itself in all the wrong ways when it is called for the first time. */
function misused(name: string, call: Call, faults: string[]): Call {
  let called = false;
  return (...right) => {
    const expected = call(...right);
    if (called) return expected;
    called = true;
    faults.pop(); // it was called
    const note = (how: string, before: number, fault?: string) => {
      const left = tf.memory().numTensors - before;
      if (fault || left) faults.push(`${name} ${how}：${fault ?? `留下 ${left} 个张量`}`);
    };
    const attempts = [...wrongCalls(call, right)];
    if (expected instanceof Promise) {
      return expected.then(async (value: unknown) => {
        for (const [how, args] of attempts) {
          const { numTensors } = tf.memory();
          const outcome = async () => faultOf(name, right, await call(...args), value);
          note(how, numTensors, await outcome().catch(faultIn));
        }
        return value;
      });
    }
    for (const [how, args] of attempts) {
      const { numTensors } = tf.memory();
      let fault: string | undefined;
      try {
        fault = faultOf(name, right, call(...args), expected);
      } catch (error) {
        fault = faultIn(error);
      }
      note(how, numTensors, fault);
    }
    return expected;
  };
}

/** All that lib exports, with one function, `name` or `namespace.name`, in the place of its own. */
function withMisused(name: string, faults: string[]): Record<string, unknown> {
  const names: Record<string, unknown> = { ...library };
  const [first, second] = name.split('.');
  const own = names[first] as Record<string, Call> & Call;
  names[first] = second
    ? { ...own, [second]: misused(name, own[second], faults) }
    : Object.assign(misused(name, own, faults), own);
  return names;
}

for (const { name, examples } of readExamples('').functions) {
  if (name === 'dispose') continue; // it would do what it is told (base/dispose.test.ts)
  test(name, async () => {
    const faults = ['它的例子没有调用它'];
    for (const code of examples) await runExample(code, { ...withMisused(name, faults), ...given });
    assert.equal(faults, []);
  });
}

for (const [name, check] of Object.entries(library.check as unknown as Record<string, Call>)) {
  test(`check.${name}`, async () => {
    for (const [how, wrong] of wrongFor([1, 2])) {
      const { numTensors } = tf.memory();
      const fault = await Promise.resolve()
        .then(() => check(wrong))
        .then((feedback) => ((feedback as { message: string }).message ? undefined : '没有回音'), faultIn);
      assert.is(fault, undefined, how);
      assert.is(tf.memory().numTensors, numTensors, how);
    }
  });
}

test.run();
