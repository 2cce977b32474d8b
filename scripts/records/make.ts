/** Makes one record in a process of its own. usage: make.ts NAME FOLDER */
import fs from 'node:fs';
import path from 'node:path';
import { startBackend } from '../../lib/tf/backend';
import { projectRoot } from '../../lib/base/paths';
import type { Recipe } from './recipe';

async function main(name: string, folder: string): Promise<void> {
  const file = path.join(projectRoot(), 'scripts', 'records', `${name}.ts`);
  const { recipe } = require(file) as { recipe: Recipe };
  const backend = await startBackend();
  const start = Date.now();
  const { numbers, images } = await recipe.run(recipe.settings, recipe.seed);
  const names = Object.entries(images).map(([key, png]) => {
    const image = key === '' ? `${name}.png` : `${name}-${key}.png`;
    fs.writeFileSync(path.join(folder, image), png);
    return image;
  });
  const { title, settings, seed, tolerance = 0.05, absolute } = recipe;
  const seconds = Math.round((Date.now() - start) / 1000);
  const { name: backendName, device, version } = backend;
  const record = { name, title, settings, seed, tolerance, absolute, numbers, images: names, seconds };
  fs.writeFileSync(
    path.join(folder, `${name}.json`),
    JSON.stringify({ ...record, backend: { name: backendName, device, version } }),
  );
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
