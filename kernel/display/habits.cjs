'use strict';
/** Who comes from Python types Python: one sentence that says where they are and how it is written here. */

/** @type {[RegExp, string][]} */
const HABITS = [
  [
    /^\s*!\s*[a-z]/m,
    "这里是 TypeScript，没有 `!命令`：用 import { execSync } from 'child_process'，然后 execSync('命令', { stdio: 'inherit' })。",
  ],
  [/^\s*%%?[a-z]\w*/m, '这里是 TypeScript，没有 % 魔法命令：计时可以写 console.time() … console.timeEnd()。'],
  [/^\s*\?\s*[\w.]+\s*$|^\s*[\w.]+\?\??\s*$/m, '这里是 TypeScript：想看说明，把光标放在名字上按 Shift-Tab。'],
  [
    /^\s*(pip3?|conda|apt|npm|git|wget|curl|cd|ls)\s+[\w./~-]/m,
    "这里是 TypeScript，不是命令行：用 import { execSync } from 'child_process'，然后 execSync('命令', { stdio: 'inherit' })。",
  ],
  [
    /^\s*for\s+[\w, ]+\s+in\s+.*:\s*$/m,
    '这里是 TypeScript，不是 Python：循环写成 for (let i = 0; i < 10; i++) { … }，或 for (const x of 列表) { … }。',
  ],
  [/(?<![.\w])print\b/, '这里是 TypeScript，不是 Python：用 console.log(…) 代替 print(…)。'],
  [
    /^\s*def\s+\w+\s*\(|^\s*((el)?if\s+[^(].*|while\s+[^(].*|else|try|class\s+\w+.*):\s*$/m,
    '这里是 TypeScript，不是 Python：语句块写在花括号里，如 function f(x: number) { … }、if (x > 0) { … }。',
  ],
  [
    /^\s*from\s+[\w.]+\s+import\s|^\s*import\s+\w+(\s+as\s+\w+)?\s*$/m,
    "这里是 TypeScript，不是 Python：导入写成 import { 名字 } from '模块'，或 import * as m from '模块'。",
  ],
  [
    /(?<![.\w])(len|range|str|list|dict|input)\s*\(/,
    '这里是 TypeScript，不是 Python：长度是 xs.length，转换用 String(x)、Number(x)，整数列可写 Array.from({ length: 10 }, (_, i) => i)，输入用 prompt(…)。',
  ],
  [
    /(?<![\w.'"`])(True|False|None)(?![\w'"`])/,
    '这里是 TypeScript，不是 Python：写 true、false、null（或 undefined）。',
  ],
  [/\blambda\s+\w+\s*:/, '这里是 TypeScript，不是 Python：匿名函数写成 (x) => x + 1。'],
  [/(?<![\w$])f''/, '这里是 TypeScript，不是 Python：把值放进字符串，用反引号写成 `x = ${x}`。'],
  [
    /\[\s*-?\w*\s*:\s*-?\w*\s*\]/,
    '这里是 TypeScript，不是 Python：取一段写成 xs.slice(0, 2)，倒数第一个是 xs.at(-1)。',
  ],
  [/(?<![.\w$])(and|or|not)\b/, '这里是 TypeScript，不是 Python：与、或、非写成 &&、||、!。'],
  [/^\s*#\s/m, '这里是 TypeScript：注释用 // 开头，不用 #。'],
  [/[（）“”‘’；，：！。【】]/, '代码里有中文标点：括号、引号、逗号、分号要用英文（半角）的 ( ) " \' , ;。'],
];

/** Strings and comments may hold anything. */
const withoutText = (source) =>
  source.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''");

/** Errors of syntax, and names that nobody knows. */
const isForeign = ({ code, file }) =>
  !file && ((code >= 1000 && code < 2000) || [2304, 2552, 2581, 2693].includes(code));

/**
 * For a cell that TypeScript does not understand.
 * @param {string} source @param {{ code?: number, file?: string }[]} problems @returns {string | undefined}
 */
function hintFor(source, problems) {
  if (!problems.some(isForeign)) return undefined;
  const code = withoutText(source);
  return HABITS.find(([habit]) => habit.test(code))?.[1] ?? declarationHint(source, problems);
}

/** `x = 5`, without the `let` that makes an x. */
function declarationHint(source, problems) {
  const lines = source.split('\n');
  for (const { code, line, column } of problems.filter(isForeign)) {
    const name = /^([\p{L}_$][\p{L}\p{N}_$]*)\s*=[^=>]/u.exec(lines[line - 1]?.slice(column - 1) ?? '')?.[1];
    if (name && [2304, 2552].includes(code))
      return `第一次使用的名字要先声明：let ${name} = …；以后再赋值才写 ${name} = …。`;
  }
  return undefined;
}

module.exports = { hintFor };
