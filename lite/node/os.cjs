'use strict';
/** Node's `os`, as far as a page may know its machine. */
const cpu = () => ({ model: 'browser', speed: 0 });

module.exports = {
  homedir: () => '/home',
  tmpdir: () => '/tmp',
  hostname: () => 'browser',
  platform: () => 'browser',
  cpus: () => Array.from({ length: navigator.hardwareConcurrency ?? 1 }, cpu),
  totalmem: () => (navigator.deviceMemory ?? 4) * 2 ** 30,
  EOL: '\n',
};
