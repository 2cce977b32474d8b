/**
 * npm run site: the whole course as pages in site/, which open without a server and without a network; `-- --serve` also
 * serves them, which the lab (在浏览器里运行) needs: for this machine, with `--ip 0.0.0.0` for a class.
 */
import { pathToFileURL } from 'node:url';
import { checkNode, installPackages, packagesInstalled } from './setup/node-packages.mjs';
import { parseOptions } from './setup/options.mjs';
import { inRoot } from './setup/paths.mjs';
import { duration, megabytes, Report } from './setup/report.mjs';

let report = new Report();
try {
  const options = parseOptions(process.argv.slice(2), ['--lang', '--serve', '--port', '--ip']);
  report = new Report(options);
  checkNode();
  if (!packagesInstalled()) await report.step(['安装 npm 软件包', 'npm packages'], installPackages);
  // these need the npm packages
  const { buildSite } = await import('./site/build.mjs');
  const start = Date.now();
  const { faults, external, pages, links, bytes } = await buildSite(report);
  for (const fault of faults) report.say(`✗ ${fault}`, `✗ ${fault}`);
  const [size, time] = [megabytes(bytes), duration(Date.now() - start)];
  const address = pathToFileURL(inRoot('site', 'index.html'));
  report.say(
    `${pages} 页，${size} MB，站内链接 ${links} 个，站外地址 ${external.length} 个（点击时才打开）；用时 ${time}\n打开：${address}`,
    `${pages} pages, ${size} MB, ${links} links inside, ${external.length} addresses outside; ${time}\nopen: ${address}`,
  );
  if (faults.length > 0) process.exitCode = 1;
  if (options.serve) {
    const { serveFolder } = await import('./site/serve.mjs');
    const { address: served } = await serveFolder(inRoot('site'), { port: options.port ?? 8000, host: options.ip });
    report.say(`打开：${served}/　（Ctrl-C 结束）`, `open ${served}/ (Ctrl-C ends)`);
  }
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
