'use strict';
/** What the kernel says about itself. */
const { version } = require('../../package.json');
// read, not loaded: this thread has no use for a compiler
const { version: typescript } = require('typescript/package.json');

function kernelInfo() {
  return {
    status: 'ok',
    protocol_version: '5.3',
    implementation: 'convscope',
    implementation_version: version,
    banner: `convscope ${version}：TypeScript ${typescript} 内核，Node ${process.version}`,
    debugger: false,
    help_links: [],
    language_info: {
      name: 'typescript',
      version: typescript,
      mimetype: 'text/typescript',
      file_extension: '.ts',
      pygments_lexer: 'typescript',
      codemirror_mode: 'typescript',
    },
  };
}

module.exports = { kernelInfo };
