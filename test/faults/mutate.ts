/** Seeded damage to any file: what a bad disk, a broken line or a careless program does to bytes. */
import type { RandomGenerator } from '../../lib/base/random';

export type Mutation = (bytes: Uint8Array, random: RandomGenerator) => Uint8Array;

/** Each case has a generator of its own, so that it can be repeated alone. */
export const caseSeed = (seed: number, index: number) => seed * 1_000_003 + index;

export const pick = <T>(random: RandomGenerator, list: readonly T[]): T => list[random.integer(list.length)];

/** A stretch of the file: [start, end), not empty. */
function stretch(length: number, random: RandomGenerator): [number, number] {
  const start = random.integer(length);
  return [start, Math.min(length, start + 1 + random.integer(random.integer(2) ? 16 : 4096))];
}

const noise = (count: number, random: RandomGenerator) => Uint8Array.from({ length: count }, () => random.integer(256));

const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  翻转几位(bytes, random) {
    const copy = bytes.slice();
    for (let n = 1 + random.integer(8); n > 0; n--) copy[random.integer(copy.length)] ^= 1 << random.integer(8);
    return copy;
  },
  改开头的字节(bytes, random) {
    const copy = bytes.slice();
    for (let n = 1 + random.integer(4); n > 0; n--) {
      copy[random.integer(Math.min(64, copy.length))] = pick(random, [0, 1, 127, 128, 255, random.integer(256)]);
    }
    return copy;
  },
  截断: (bytes, random) => bytes.slice(0, 1 + random.integer(bytes.length - 1)),
  加长: (bytes, random) => joined(bytes, noise(1 + random.integer(100), random)),
  插入一段(bytes, random) {
    const at = random.integer(bytes.length);
    return joined(bytes.subarray(0, at), noise(1 + random.integer(200), random), bytes.subarray(at));
  },
  重复一段(bytes, random) {
    const [start, end] = stretch(bytes.length, random);
    return joined(bytes.subarray(0, end), bytes.subarray(start));
  },
  删去一段(bytes, random) {
    const [start, end] = stretch(bytes.length - 1, random);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  填成一个值(bytes, random) {
    const [start, end] = stretch(bytes.length, random);
    return bytes.slice().fill(pick(random, [0, 255, 127]), start, end);
  },
};
