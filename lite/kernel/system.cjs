'use strict';
/** TypeScript asks its system for files; here they are the tree in memory. */
const ts = require('typescript');
const fs = require('fs');
const path = require('path');
const { root } = require('../node/globals.cjs');

const isFolder = (name) => fs.statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;

ts.setSys({
  args: [],
  newLine: '\n',
  useCaseSensitiveFileNames: true,
  write: () => undefined,
  readFile: (name) => (fs.existsSync(name) && !isFolder(name) ? fs.readFileSync(name, 'utf8') : undefined),
  fileExists: (name) => fs.existsSync(name) && !isFolder(name),
  directoryExists: isFolder,
  getDirectories: (name) => (isFolder(name) ? fs.readdirSync(name).filter((entry) => isFolder(path.join(name, entry))) : []), // prettier-ignore
  readDirectory: () => [],
  realpath: (name) => name,
  resolvePath: (name) => path.resolve(name),
  getCurrentDirectory: () => process.cwd(),
  getExecutingFilePath: () => `${root}/node_modules/typescript/lib/typescript.js`,
});
