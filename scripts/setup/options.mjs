/** The words after `npm start --`; every script reads them with this. */
import { SetupError } from './report.mjs';

const START_SWITCHES = {
  '--no-browser': 'noBrowser',
  '--no-native': 'noNative',
  '--offline': 'offline',
  '--help': 'help',
};
const SWITCHES = { ...START_SWITCHES, '--with-alexnet': 'withAlexnet', '--zip': 'zip', '--check': 'check' };
const VALUES = { '--port': 'port', '--ip': 'ip', '--lang': 'lang' };

/** `--port 8888` and `--port=8888` are the same. What is not an option is collected in `rest`. */
export function parseOptions(words, allowed = [...Object.keys(START_SWITCHES), ...Object.keys(VALUES)]) {
  const options = { lang: 'zh', rest: [] };
  const queue = [...words];
  while (queue.length > 0) {
    const word = queue.shift();
    const [name, given] = word.startsWith('--') ? splitAtEquals(word) : [word];
    if (!word.startsWith('-')) {
      options.rest.push(word);
    } else if (allowed.includes(name) && name in SWITCHES && given === undefined) {
      options[SWITCHES[name]] = true;
    } else if (allowed.includes(name) && name in VALUES) {
      options[VALUES[name]] = readValue(name, given ?? queue.shift());
    } else {
      throw new SetupError(
        `不认识的选项 ${word}；可用：${allowed.join(' ')}`,
        `unknown option ${word}; there are ${allowed.join(' ')}`,
      );
    }
  }
  return options;
}

function splitAtEquals(word) {
  const at = word.indexOf('=');
  return at < 0 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function readValue(name, value) {
  if (value === undefined || value === '' || value.startsWith('--')) {
    throw new SetupError(`选项 ${name} 后面要有值`, `option ${name} needs a value`);
  }
  if (name === '--lang' && !['zh', 'en'].includes(value)) {
    throw new SetupError(`--lang 可用 zh 或 en，得到 ${value}`, `--lang is zh or en, got ${value}`);
  }
  if (name !== '--port') return value;
  const port = Number(value);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new SetupError(`--port 要 1 到 65535 的整数，得到 ${value}`, `--port is 1 to 65535, got ${value}`);
  }
  return port;
}
