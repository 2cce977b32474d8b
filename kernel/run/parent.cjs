'use strict';
/**
 * A kernel whose Jupyter was killed would stay for ever: it ends when it gets another parent. The front desk watches, for
 * the main thread may be in a loop.
 */

/** @param {number} pid */
function hasEnded(pid) {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** @param {() => void} end */
function endWithParent(end) {
  const parent = process.ppid;
  if (process.platform === 'win32') return;
  const jupyter = Number(process.env.JPY_PARENT_PID);
  // Jupyter was killed while this kernel started, or is about to be buried. (Elsewhere another parent is a wrapper, which
  // looks after itself.)
  const orphan = parent === 1 && jupyter > 1;
  if (jupyter !== parent && !orphan) return;
  const look = () => {
    if (orphan ? !hasEnded(jupyter) : process.ppid === parent) return;
    clearInterval(watch);
    end();
  };
  // an orphan may live half a second; a look costs nothing
  const watch = setInterval(look, 500);
  look();
}

module.exports = { endWithParent };
