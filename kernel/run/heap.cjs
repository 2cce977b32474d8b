'use strict';
/**
 * TypeScript leaves 35 MB of garbage after every cell, and V8 would let it grow to 500 MB before it collects. For many
 * students on one server that was most of their memory; collecting after 100 MB costs a chapter about a second.
 * Set at run time: a Node.js whose V8 no longer knows the flag says so and goes on.
 */
require('v8').setFlagsFromString('--heap-growing-percent=50');
