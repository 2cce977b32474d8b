'use strict';
/** What TypeScript is told about cells: where they lie, which JavaScript they may write, what they find. */
const path = require('path');
const ts = require('typescript');

const root = path.resolve(__dirname, '..', '..');
const slashes = (file) => file.replace(/\\/g, '/');
const notebookFolder = slashes(process.cwd());

/** What this engine knows of JavaScript. */
const LIBRARY = [
  'lib.es2023.d.ts',
  'lib.esnext.disposable.d.ts',
  'lib.esnext.decorators.d.ts',
  ...('Iterator' in globalThis
    ? ['lib.es2024.d.ts', 'lib.esnext.array.d.ts', 'lib.esnext.collection.d.ts', 'lib.esnext.iterator.d.ts']
    : []),
];

/** What cells find beside Node's own: questions to the reader, and what Node has but its types do not tell. */
const GLOBALS = `
/** 问读者一个问题，等到回答（显示输入框）。 */
declare function prompt(message?: string, initial?: string): string;
/** 问一个是非题：y、yes、是 为 true。 */
declare function confirm(message?: string): boolean;
/** 显示一句话，等读者按回车。 */
declare function alert(message?: string): void;
declare namespace WebAssembly {
  type Module = any;
  type Instance = any;
  type Memory = any;
  type Table = any;
}
declare const WebAssembly: any;
`;
const globalsFile = `${notebookFolder}/__globals__.d.ts`;

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: LIBRARY,
  types: ['node'],
  typeRoots: [slashes(path.join(root, 'node_modules', '@types'))],
  esModuleInterop: true,
  experimentalDecorators: true,
  resolveJsonModule: true,
  allowImportingTsExtensions: true,
  allowJs: true,
  jsx: ts.JsxEmit.React,
  // a file is a module, whether it says so or not
  moduleDetection: ts.ModuleDetectionKind.Force,
  skipLibCheck: true,
  // nobody replaces TypeScript's own library by a package: not looked for 60 times per cell
  libReplacement: false,
  noEmit: true,
};

if (!/^en/i.test(process.env.CONVSCOPE_LANG ?? '')) ts.validateLocaleAndSetLanguage('zh-cn', ts.sys, []);

module.exports = { root, slashes, notebookFolder, GLOBALS, globalsFile, OPTIONS };
