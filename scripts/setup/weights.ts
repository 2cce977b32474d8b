/**
 * The library's own downloader, started by set-up and by the doctor.
 * `fetch` gets GoogLeNet, the only downloaded network that chapters want; `state` looks without the network. Prints JSON lines.
 */
import { fetchNetworkFiles, type DownloadProgress } from '../../lib/model/weights/download';
import { networkFilesPresent } from '../../lib/model/weights/present';
import type { NetworkFilesId } from '../../lib/model/weights/catalogue';

const COURSE: readonly NetworkFilesId[] = ['googlenet'];
const ALL: readonly NetworkFilesId[] = [
  ...COURSE,
  'squeezenet',
  'alexnet-2012',
  'alexnet-2012-full',
  'alexnet-2012-head',
];

/** What the doctor says about them in English; the library itself speaks Chinese. */
const ENGLISH: Readonly<Record<string, { title: string; licence: string }>> = {
  googlenet: { title: 'GoogLeNet', licence: 'unrestricted use; repository MIT' },
  squeezenet: { title: 'SqueezeNet v1.0', licence: 'BSD-2-Clause (no holder named)' },
  'alexnet-2012': {
    title: 'AlexNet 2012, conv1 to pool5',
    licence: 'none stated: fetched by you, never redistributed',
  },
  'alexnet-2012-full': {
    title: 'AlexNet 2012, conv1 to pool5 in full precision',
    licence: 'unrestricted use; repository Apache-2.0',
  },
  'alexnet-2012-head': {
    title: 'AlexNet 2012, fc6 to fc8',
    licence: 'none stated: fetched by you, never redistributed',
  },
};

const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function fetchAll(): Promise<void> {
  for (const id of COURSE) {
    let last = 0;
    await fetchNetworkFiles(id, {
      onProgress: (progress: DownloadProgress) => {
        // four times a second is more than the eye follows
        if (Date.now() - last < 250) return;
        last = Date.now();
        print({ progress });
      },
    });
  }
}

async function main(): Promise<void> {
  try {
    if (process.argv[2] === 'fetch') await fetchAll();
    const ids = process.argv[2] === 'fetch' ? COURSE : ALL;
    print({ state: ids.map((id) => ({ ...networkFilesPresent(id), english: ENGLISH[id] })) });
  } catch (error) {
    print({ failure: (error as Error).message });
    process.exitCode = 1;
  }
}

void main();
