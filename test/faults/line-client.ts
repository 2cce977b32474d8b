/**
 * The near end of a slow line: downloads, prints its progress, and is killed by itself in the middle, if that is asked.
 * usage: line-client.ts CACHE [BYTES_AT_WHICH_IT_DIES]
 */
import { fetchNetworkFiles } from '../../lib/model/weights/download';
import { mirrorHost } from '../../lib/model/weights/settings';
import { makeUpFiles, RESUMED } from '../lib/model/weights/download-server';

async function main(cache: string, dies = Infinity): Promise<void> {
  const contents = makeUpFiles();
  const settings = {
    cache,
    folder: undefined,
    mirror: mirrorHost('http://10.9.0.1:8000'),
    hosts: [],
    offline: false,
    resumeOver: RESUMED,
  };
  for (const id of ['squeezenet', 'alexnet-2012'] as const) {
    const files = await fetchNetworkFiles(id, {
      settings,
      onProgress({ received, total }) {
        console.log(`progress ${received} of ${total}`);
        if (received >= dies) process.kill(process.pid, 'SIGKILL');
      },
    });
    const intact = [...files].filter(([name, bytes]) => contents.get(name)!.equals(bytes)).length;
    console.log(`${id}: ${intact} of ${files.size} intact`);
  }
}

main(process.argv[2], Number(process.argv[3] ?? Infinity)).catch((error) => {
  console.log(String(error));
  process.exitCode = 1;
});
