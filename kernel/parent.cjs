'use strict';
/** A kernel whose Jupyter was killed would stay for ever: it ends when it gets another parent. */
const parent = process.ppid;

/** @param {() => void} end */
function endWithParent(end) {
  if (process.platform === 'win32' || Number(process.env.JPY_PARENT_PID) !== parent) return;
  setInterval(() => {
    if (process.ppid !== parent) end();
  }, 2000).unref();
}

module.exports = { endWithParent };
