/**
 * Writes the networks' decoded weights for PyTorch to read: NETWORK.json (name, shape and offset of each weight) and
 * NETWORK.bin (float32, little-endian), in the layouts of TensorFlow.js.
 *
 *     npx tsx bench/export-weights.ts FOLDER [NETWORK ...]        alexnet googlenet squeezenet efficientnet-lite0 alexnet-2012 alexnet-2012-head
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchNetworkFiles } from '../lib/model/weights/download';
import { decodeSqueezeNet } from '../lib/model/weights/formats/deep-compression';
import { decodeGoogLeNet } from '../lib/model/weights/formats/googlenet';
import { readEmbeddedNetwork } from '../lib/model/weights/formats/embedded';
import { decodeAlexNetHead, decodeAlexNetTrunk } from '../lib/model/weights/formats/quantized-cnn';
import type { NamedWeights } from '../lib/model/weights/formats/weights';
import { readWords } from './words';

const sources: Record<string, () => Promise<NamedWeights>> = {
  squeezenet: async () => decodeSqueezeNet([...(await fetchNetworkFiles('squeezenet')).values()][0]),
  googlenet: async () => decodeGoogLeNet(await fetchNetworkFiles('googlenet')),
  alexnet: async () => readEmbeddedNetwork('alexnet'),
  'alexnet-2012': async () => decodeAlexNetTrunk(await fetchNetworkFiles('alexnet-2012')),
  'alexnet-2012-head': async () => decodeAlexNetHead(await fetchNetworkFiles('alexnet-2012-head')),
  'efficientnet-lite0': async () => readEmbeddedNetwork('efficientnet-lite0'),
};

async function main(): Promise<void> {
  const { positionals } = readWords('export-weights.ts FOLDER [NETWORK ...]', {}, 1);
  const [folder, ...networks] = positionals;
  mkdirSync(folder, { recursive: true });
  for (const network of networks.length ? networks : Object.keys(sources).filter((id) => !id.endsWith('head'))) {
    if (!sources[network]) throw new Error(`no ${network}; there are ${Object.keys(sources).join(', ')}`);
    const weights = Object.entries(await sources[network]());
    let offset = 0;
    const list = weights.map(([name, { data, shape }]) => {
      const entry = { name, shape, offset };
      offset += data.length;
      return entry;
    });
    const bytes = weights.map(([, { data }]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    writeFileSync(join(folder, `${network}.bin`), Buffer.concat(bytes));
    writeFileSync(join(folder, `${network}.json`), JSON.stringify(list));
    console.log(`${network}: ${weights.length} weights, ${(4 * offset) / 1e6} MB`);
  }
}

main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
