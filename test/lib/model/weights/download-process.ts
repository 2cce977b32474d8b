/** One of the processes that fill the same cache at once: node download-process.ts CACHE URL */
import { fetchNetworkFiles } from '../../../../lib/model/weights/download';
import { mirrorHost } from '../../../../lib/model/weights/settings';
import { makeUpFiles, RESUMED } from './download-server';

async function main(cache: string, url: string): Promise<void> {
  const contents = makeUpFiles();
  const settings = {
    cache,
    folder: undefined,
    mirror: mirrorHost(url),
    hosts: [],
    offline: false,
    resumeOver: RESUMED,
  };
  const sets = await Promise.all(
    (['squeezenet', 'alexnet-2012'] as const).map((id) => fetchNetworkFiles(id, { settings })),
  );
  const files = sets.flatMap((set) => [...set]);
  const intact = files.filter(([name, bytes]) => contents.get(name)!.equals(bytes));
  console.log(`${intact.length} files intact`);
}

main(process.argv[2], process.argv[3]).catch((error) => console.log(String(error)));
