/**
 * Puts networks' weights into a folder, each file checked by the library's own downloader: weights.ts FOLDER ID ...
 * AlexNet's head is large and seldom at hand: it goes in only when all its files are on this machine already.
 * Prints one JSON line, the ids of what is in.
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { fetchNetworkFiles } from '../../lib/model/weights/download';
import { networkFilesPresent } from '../../lib/model/weights/present';
import type { NetworkFilesId } from '../../lib/model/weights/catalogue';

async function main([folder, ...ids]: string[]): Promise<void> {
  const packed: string[] = [];
  for (const id of ids as NetworkFilesId[]) {
    if (id === 'alexnet-2012-head' && !networkFilesPresent(id).present) continue;
    for (const [name, bytes] of await fetchNetworkFiles(id)) fs.writeFileSync(path.join(folder, name), bytes);
    packed.push(id);
  }
  process.stdout.write(`${JSON.stringify(packed)}\n`);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
