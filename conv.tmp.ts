import { startBackend, tf } from './lib/tf/backend';
import { loadOwnModel } from './lib/09-your-own/load';
(async () => { await startBackend();
for (const f of process.argv.slice(2)) { try { const m = await loadOwnModel(f, { preprocess: '[0, 1]' });
const x = tf.tidy(() => tf.linspace(0,1,32*32*3).reshape([32,32,3]) as tf.Tensor3D);
console.log(f, m.network.layers.length, (m.network.predict(x.expandDims(0)) as tf.Tensor).dataSync(), m.output); } catch (e) { console.log(f, String(e)); } }
})();
