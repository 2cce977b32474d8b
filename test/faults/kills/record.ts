/** npm run record, killed and started again: a record that counts as good belongs to its pictures and its code. */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../../../lib/base/paths';
import { type Area, litter } from './area';
import { type Course, start } from './course';

const NAME = 'kills';
const PICTURES = 3;
const crc32 = (file: string) =>
  (require('../../../lib/image/header') as typeof import('../../../lib/image/header')).crc32(fs.readFileSync(file));

/** Pictures of noise, large enough to take a moment to write; their checksums are the record's numbers. */
const recipe = (version: number) => `import { crc32 } from '../../lib/image/header';
import { encodePngBytes } from '../../lib/image/encode';
import { randomGenerator } from '../../lib/base/random';

const side = 600;
const picture = (seed: number) => {
  const random = randomGenerator(seed);
  const data = Uint8ClampedArray.from({ length: side * side * 3 }, () => random.integer(256));
  return encodePngBytes({ width: side, height: side, channels: 3, data });
};

export const recipe = {
  name: '${NAME}', title: '', settings: {}, seed: ${version},
  async run() {
    const images: Record<string, Uint8Array> = {};
    for (let i = 0; i < ${PICTURES}; i++) images[i] = await picture(${PICTURES * version} + i);
    return { numbers: Object.values(images).map((png) => crc32(png)), images };
  },
};
`;

/** The course's own judgement about a record, with the small course as its root. */
const records = () => import(path.join(projectRoot(), 'scripts', 'records', 'records.mjs'));

export async function recordArea(course: Course): Promise<Area> {
  const { recordFaults } = await records();
  const folder = path.join(course.root, 'data', 'records');
  const recipes = path.join(course.root, 'scripts', 'records');
  for (const name of fs.readdirSync(recipes))
    if (!['make.ts', 'recipe.ts', 'records.mjs'].includes(name)) fs.rmSync(path.join(recipes, name));
  let version = 0;
  /** A record that set-up's own check takes for good, and that is not. */
  const wrong = (): string[] => {
    if (recordFaults(NAME, course.root).length > 0) return [];
    const { numbers, images } = JSON.parse(fs.readFileSync(path.join(folder, `${NAME}.json`), 'utf8'));
    return (images as string[]).flatMap((image, i) =>
      crc32(path.join(folder, image)) === numbers[i] ? [] : [`${image} 不完整，却算作完好`],
    );
  };
  return {
    name: '记录',
    prepare() {
      fs.writeFileSync(path.join(recipes, `${NAME}.ts`), recipe(++version));
    },
    begin() {
      const environment = { ...course.environment, CONVSCOPE_BACKEND: 'cpu' };
      const running = start(['scripts/record.mjs'], course.root, environment);
      const made = () =>
        fs.readdirSync(path.join(course.root, 'tmp')).some((name) => name.startsWith('convscope-record-'));
      return { ...running, phase: () => (made() ? '计算与写入' : '开始与收尾') };
    },
    between: wrong,
    check(code, output) {
      const faults = code === 0 ? [] : [`以 ${code} 结束：${output}`];
      return [...faults, ...recordFaults(NAME, course.root), ...wrong(), ...litter(folder)];
    },
  };
}
