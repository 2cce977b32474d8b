import * as assert from 'uvu/assert';
import { CourseError } from '../../../../lib/base/errors';
import { randomGenerator } from '../../../../lib/base/random';

export const same = (got: ArrayLike<number>, expected: ArrayLike<number>, message: string) => {
  assert.is(got.length, expected.length, `${message}：长度`);
  for (let i = 0; i < expected.length; i++)
    if (got[i] !== expected[i]) assert.is(got[i], expected[i], `${message}[${i}]`);
};

/** Every damage must be a CourseError that names the file and says what to do. */
export function assertDamaged(run: () => unknown, what: RegExp, message: string): void {
  try {
    run();
  } catch (error) {
    assert.instance(error, CourseError, `${message}：${error}`);
    assert.match((error as Error).message, what, message);
    assert.match((error as Error).message, /npm start|取回/, `${message}：下一步`);
    return;
  }
  assert.unreachable(`${message}：没有报错`);
}

/** Changes bytes, cuts, lengthens: whatever a bad disk or line can do. */
export function mutate(bytes: Uint8Array, random: ReturnType<typeof randomGenerator>): Uint8Array {
  const copy = bytes.slice();
  switch (random.integer(4)) {
    case 0:
      return copy.subarray(0, random.integer(copy.length));
    case 1:
      return new Uint8Array([...copy, ...Array.from({ length: 1 + random.integer(9) }, () => random.integer(256))]);
    case 2:
      // The head decides about lengths: it is hit as often as all the rest.
      copy[random.integer(Math.min(40, copy.length))] = random.integer(256);
      return copy;
    default:
      for (let n = 1 + random.integer(5); n > 0; n--) copy[random.integer(copy.length)] ^= 1 << random.integer(8);
      return copy;
  }
}

export function survivesMutations(
  bytes: Uint8Array,
  decode: (b: Uint8Array) => ArrayLike<number>[],
  seed: number,
): number {
  const random = randomGenerator(seed);
  const lengths = decode(bytes).map((values) => values.length);
  let refused = 0;
  for (let i = 0; i < 300; i++) {
    try {
      const results = decode(mutate(bytes, random));
      // What no length and no padding gives away (the checksum does) still has the right form.
      assert.equal(
        results.map((values) => values.length),
        lengths,
      );
      for (const values of results) assert.ok(Array.from(values).every(Number.isFinite));
    } catch (error) {
      if (!(error instanceof CourseError)) throw error;
      refused++;
    }
  }
  return refused;
}
