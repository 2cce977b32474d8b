/** `node scripts/setup.mjs`: installs what is missing, tries again what failed, starts nothing. --webgpu: that backend too. */
import { bootstrap } from './setup/bootstrap.mjs';
import { parseOptions } from './setup/options.mjs';
import { Report } from './setup/report.mjs';

let report = new Report();
try {
  const options = parseOptions(process.argv.slice(2), ['--lang', '--no-native', '--webgpu', '--offline']);
  report = new Report(options);
  await bootstrap(report, { ...options, again: true });
  report.say('准备好了：npm start', 'ready: npm start');
} catch (error) {
  report.error(error);
  process.exitCode = 1;
}
