'use strict';
/** There are no signals in a browser: nothing to be kept safe from. */
module.exports = { withSafeSignals: (run) => run(), restoreSignals: () => undefined };
