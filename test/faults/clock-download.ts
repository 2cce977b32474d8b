/** Downloads from a server of its own, whatever the clock says, and tells how many files were asked for. usage: clock-download.ts CACHE */
import { fetchNetworkFiles } from '../../lib/model/weights/download';
import { mirrorHost } from '../../lib/model/weights/settings';
import { makeUpFiles, startServer } from '../lib/model/weights/download-server';

async function main(cache: string): Promise<void> {
  const contents = makeUpFiles();
  const server = await startServer(contents);
  const settings = { cache, folder: undefined, mirror: mirrorHost(server.url), hosts: [], offline: false };
  const sets = await Promise.all(
    (['squeezenet', 'alexnet-2012'] as const).map((id) => fetchNetworkFiles(id, { settings })),
  );
  const intact = sets.flatMap((set) => [...set]).filter(([name, bytes]) => contents.get(name)!.equals(bytes)).length;
  console.log(`${intact} files intact, ${server.requests.length} requests`);
  await server.close();
}

void main(process.argv[2]);
