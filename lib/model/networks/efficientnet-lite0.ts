import { tf } from '../../tf/backend';
import { NetworkBuilder, type Node } from './builder';
import type { NamedWeights } from '../weights/formats/weights';
import type { Architecture } from './architecture';

/** Seven stages of inverted bottlenecks: [blocks, kernel, first stride, expansion, channels]. */
const STAGES = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
] as const;

interface Block {
  readonly name: string;
  readonly stride: number;
  readonly expand: boolean;
  readonly residual: boolean;
}

function blocks(): Block[] {
  const list: Block[] = [];
  let channels = 32;
  for (const [count, , stride, expansion, filters] of STAGES) {
    for (let i = 0; i < count; i++) {
      const s = i === 0 ? stride : 1;
      list.push({
        name: `b${list.length}`,
        stride: s,
        expand: expansion > 1,
        residual: s === 1 && channels === filters,
      });
      channels = filters;
    }
  }
  return list;
}

/** Expand (1x1) - depthwise - project (1x1, no ReLU), plus the input where shapes allow. Its output is named b0 ... b15. */
function bottleneck(net: NetworkBuilder, x: Node, block: Block): Node {
  const name = (part: string) => `${block.name}/${part}`;
  let h = x;
  if (block.expand) h = net.relu6(net.conv(h, name('expand')), name('expand/relu'));
  h = net.relu6(net.depthwise(h, name('dw'), block.stride), name('dw/relu'));
  if (!block.residual) return net.conv(h, block.name, {}, name('proj'));
  return net.apply(tf.layers.add({ name: block.name }), [net.conv(h, name('proj')), x]);
}

/** EfficientNet-Lite0 (Tan & Le 2019, arXiv:1905.11946; "lite": no squeeze-excitation, ReLU6), batch norm folded. */
export function buildEfficientNetLite0(weights: NamedWeights, size = 224): tf.LayersModel {
  const net = new NetworkBuilder(weights, size);
  let x = net.relu6(net.conv(net.input, 'stem', { stride: 2, pad: 'same' }), 'stem/relu');
  for (const block of blocks()) x = bottleneck(net, x, block);
  x = net.relu6(net.conv(x, 'head'), 'head/relu');
  x = net.apply(tf.layers.globalAveragePooling2d({ name: 'pool' }), x);
  return net.finish(net.dense(x, 'fc'));
}

export const efficientnetLite0: Architecture = {
  id: 'efficientnet-lite0',
  title: 'EfficientNet-Lite0',
  inputSize: 224,
  preprocess: { mean: [127, 127, 127], scale: 1 / 128 },
  roles: {
    firstConv: 'stem',
    lastConv: 'head',
    lastPool: 'pool',
    features: 'pool',
    logits: 'fc',
    stages: ['stem/relu', 'b2', 'b4', 'b10', 'head/relu'],
  },
};
