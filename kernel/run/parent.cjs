'use strict';
/**
 * A kernel whose Jupyter was killed would stay for ever: it ends when it gets another parent. The front desk watches, for
 * the main thread may be in a loop.
 */

/** @param {() => void} end */
function endWithParent(end) {
  const parent = process.ppid;
  if (process.platform === 'win32' || Number(process.env.JPY_PARENT_PID) !== parent) return;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    end();
  }, 500);
}

module.exports = { endWithParent };
