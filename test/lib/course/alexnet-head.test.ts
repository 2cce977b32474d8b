import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadPhoto } from '../../../lib/08-adversarial/robustness';
import { transfer } from '../../../lib/08-adversarial/transfer';
import { startBackend, tf } from '../../../lib/tf/backend';
import { imageNetClasses } from '../../../lib/model/classes';
import { invert, paperLambda } from '../../../lib/07-inversion/inversion';
import { classify } from '../../../lib/model/classify';
import { imageModel, type ImageModel } from '../../../lib/model/model';
import { alexnet2012WithHead, buildAlexNet2012 } from '../../../lib/model/networks/alexnet-2012';
import { classScore } from '../../../lib/06-optimization/objectives';
import { maximize } from '../../../lib/06-optimization/optimize';
import { photo, type Photo } from '../../../lib/image/photos';
import { leakFree } from '../../helpers';
import { pseudoAlexNetWeights } from '../../pseudo-weights';

/**
 * What the chapters do with AlexNet as soon as its fully connected layers are there: the whole network in its own
 * size, with pseudo-random weights, because nobody can be expected to have the files.
 */
let alexnet: ImageModel;
let image: tf.Tensor3D;
const animal = photo('red-panda');

test.before(async () => {
  await startBackend();
  alexnet = imageModel(buildAlexNet2012(pseudoAlexNetWeights()), {
    ...alexnet2012WithHead,
    classes: imageNetClasses(),
  });
  image = await loadPhoto(alexnet, animal);
});

test.after(() => {
  image.dispose();
  alexnet.dispose();
});

test("inversion from the fully connected layers: the error falls, the strength is the paper's", async () => {
  for (const layer of ['fc6', 'relu7', 'fc8']) {
    assert.is(paperLambda(alexnet, layer), 100);
    await leakFree(async () => {
      const result = await invert(alexnet, image, layer, { steps: 5, verdict: false });
      assert.ok(result.error.ofCode < 0.9 * -result.trace[0], `${layer}: ${result.trace}`);
      return [result.image, result.best];
    });
  }
});

test('class maximisation on fc8 rises, and the verdict is what the network says of the best image', async () => {
  const { image: last, best, trace, verdict } = await maximize(alexnet, classScore(9), { steps: 12 });
  assert.ok(trace[12] > trace[0], String(trace));
  assert.equal(verdict, await classify(alexnet, best));
  tf.dispose([last, best]);
});

test('AlexNet takes part in the table of transfer, as source and as victim', async () => {
  const [own] = await classify(alexnet, image, { count: 1 });
  const labelled: Photo = { ...animal, imagenet: { index: own.index, wnid: alexnet.classes[own.index].wnid } };
  const [row] = await transfer(alexnet, [alexnet], [labelled], { steps: 2, epsilon: 8 / 255 });
  assert.equal([row.source, row.victim, row.tested], ['alexnet-2012', 'alexnet-2012', 1]);
  assert.is(row.fooled, 1);
});

test.run();
