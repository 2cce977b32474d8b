'use strict';
/** The kernel's entry in a browser: a Web Worker. What kernel/main.cjs is to Node. */
const { root } = require('../node/globals.cjs');
const { loadFont, mountCourse } = require('./course.cjs');
const { watch } = require('../node/loops.cjs');

/** @type {{ tell: (message: object) => void }} */
const desk = { tell: (message) => self.postMessage(message) };

async function start({ base, language, stop }) {
  process.env.CONVSCOPE_LANG = language;
  await mountCourse(base, root);
  await loadFont(root, 'data/fonts/convscope-sans.ttf', 'convscope sans');
  require('./system.cjs');
  watch(stop);
  // what follows reads files as it is loaded
  const { Kernel } = require('./kernel.cjs');
  const kernel = new Kernel(desk);
  self.onmessage = ({ data }) => kernel[data.type](data);
  desk.tell({ type: 'ready' });
}

self.onmessage = ({ data }) => void start(data).catch((error) => desk.tell({ type: 'broken', message: error.message }));
