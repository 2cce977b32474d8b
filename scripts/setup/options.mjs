/** The words after `npm start --` and after every other script's name: all scripts read them with this. */
// by its default export: an old Node.js, which has no parseArgs, must get as far as being told so
import util from 'node:util';
import { SetupError } from './report.mjs';

/**
 * Reads words with util.parseArgs: { values, positionals }. What is not a switch of this script is refused with the
 * list of those that are; `positionals: false` refuses words that are no switches, `usage` is said as well.
 * @returns {{ values: Record<string, any>, positionals: string[] }}
 */
export function readWords(words, switches, { positionals = true, usage = '' } = {}) {
  try {
    return util.parseArgs({ args: words, options: switches, allowPositionals: positionals });
  } catch (error) {
    const there = Object.keys(switches).map((name) => `--${name}`);
    const [zh, en] = reasons(error, words, there.join(' ') || '-');
    throw new SetupError([zh, usage].join('\n').trim(), [en, usage].join('\n').trim());
  }
}

function reasons({ code, message }, words, there) {
  const name = message.match(/'(-[^' <]*)/)?.[1];
  const word = words.find((one) => one.split('=')[0] === name?.split(',').pop().trim()) ?? name ?? message;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || /does not take an argument/.test(message))
    return [`不认识的选项 ${word}；可用：${there}`, `unknown option ${word}; there are ${there}`];
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE')
    return [`选项 ${word} 后面要有值`, `option ${word} needs a value`];
  return [`看不懂的参数；可用的选项：${there}`, `${message}; the options are ${there}`];
}

const flag = { type: 'boolean' };
const value = { type: 'string' };
const SWITCHES = { 'no-browser': flag, 'no-native': flag, offline: flag, help: flag, port: value, ip: value, lang: value }; // prettier-ignore
const MORE = { webgpu: flag, 'with-alexnet': flag, zip: flag, check: flag, serve: flag };

const camelCase = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());

/** Those that several scripts have. `--port 8888` and `--port=8888` are the same. What is no option is in `rest`. */
export function parseOptions(words, allowed = Object.keys(SWITCHES).map((name) => `--${name}`)) {
  const known = { ...SWITCHES, ...MORE };
  const switches = Object.fromEntries(allowed.map((name) => [name.slice(2), known[name.slice(2)]]));
  const { values, positionals } = readWords(words, switches);
  const options = { lang: 'zh', rest: positionals };
  for (const [name, given] of Object.entries(values)) options[camelCase(name)] = checked(name, given);
  return options;
}

function checked(name, given) {
  if (given === '') throw new SetupError(`选项 --${name} 后面要有值`, `option --${name} needs a value`);
  if (name === 'lang' && !['zh', 'en'].includes(given)) {
    throw new SetupError(`--lang 可用 zh 或 en，得到 ${given}`, `--lang is zh or en, got ${given}`);
  }
  if (name !== 'port') return given;
  const port = Number(given);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new SetupError(`--port 要 1 到 65535 的整数，得到 ${given}`, `--port is 1 to 65535, got ${given}`);
  }
  return port;
}
