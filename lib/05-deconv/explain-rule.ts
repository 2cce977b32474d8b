import { tf } from '../tf/backend';
import { interpreted, recordedNodes, safely } from '../tf/tape';
import { isGate } from './backward-rules';
import { GATE, nothingChanged, OTHER_ACTIVATIONS } from './gradients';
import type { ImageModel } from '../model/model';
import { resolveTarget, type Target } from '../model/target';

export interface RuleExplanation {
  /** 规则会改到的 ReLU 所在的层，由浅到深；一层里有几个就出现几次。 */
  readonly relus: readonly string[];
  /** 路上的最大池化层，由浅到深。 */
  readonly pools: readonly string[];
  /** 最大池化怎样往回传。 */
  readonly poolRule: string;
  /** 其余值得知道的：改不到的激活函数、局部响应归一化（LRN）怎样处理等。 */
  readonly notes: readonly string[];
}

interface Operation {
  readonly layer: string;
  readonly kernel: string;
}

interface Callable {
  readonly name: string;
  readonly layers?: readonly Callable[];
  call(...args: unknown[]): unknown;
}

const allLayers = (layers: readonly Callable[]): Callable[] =>
  layers.flatMap((layer) => [layer, ...allLayers(layer.layers ?? [])]);

/** Runs `body` with every layer reporting when it begins and ends; the layers are as before afterwards. */
function observed(layers: readonly Callable[], enter: (name: string) => () => void, body: () => void): void {
  const own = layers.map((layer) => Object.getOwnPropertyDescriptor(layer, 'call'));
  try {
    for (const layer of layers) {
      const call = layer.call;
      layer.call = (...args: unknown[]) => {
        const leave = enter(layer.name);
        try {
          return call.apply(layer, args);
        } finally {
          leave();
        }
      };
    }
    body();
  } finally {
    layers.forEach((layer, i) => {
      if (own[i]) Object.defineProperty(layer, 'call', own[i]!);
      else delete (layer as { call?: unknown }).call;
    });
  }
}

/**
 * The operations between the image and a layer, in order, each with the layer it runs in. Found by running the
 * network once on a grey image and reading the tape: nothing is guessed from names or configurations.
 */
function operationsBelow(model: ImageModel, layer: string): Operation[] {
  const operations: Operation[] = [];
  const open: string[] = [];
  const note = () => {
    const nodes = recordedNodes();
    while (operations.length < nodes.length) {
      operations.push({ layer: open[open.length - 1] ?? '', kernel: nodes[operations.length].kernelName });
    }
  };
  const enter = (name: string) => {
    note();
    open.push(name);
    return () => {
      note();
      open.pop();
    };
  };
  const run = (images: tf.Tensor) => {
    const [output] = model.forward(images as tf.Tensor4D, [layer]);
    note();
    const tape = recordedNodes();
    tape.forEach((node, i) => {
      if (isGate(node, tape)) operations[i] = { ...operations[i], kernel: GATE };
    });
    return tf.sum(output);
  };
  const layers = model.network ? allLayers(model.network.layers as unknown as Callable[]) : [];
  const images = tf.fill([1, ...model.inputSize, 3], 0.5);
  try {
    observed(layers, enter, () => interpreted(() => safely(() => tf.tidy(() => void tf.grad(run)(images)))));
  } finally {
    images.dispose();
  }
  return operations;
}

const unique = (names: readonly string[]) => [...new Set(names)];

function notesOn(operations: readonly Operation[], relus: readonly string[], resolved: string): string[] {
  const notes: string[] = [];
  if (relus.length === 0) notes.push(`${resolved} 之下没有 ReLU：三种规则的结果相同`);
  else if (relus[relus.length - 1] === resolved) notes.push(`${resolved} 自己就是 ReLU，它的规则也会改变`);
  for (const [kernel, title] of [...Object.entries(OTHER_ACTIVATIONS), [GATE, GATE]]) {
    const where = unique(operations.filter((o) => o.kernel === kernel).map((o) => o.layer));
    if (where.length) notes.push(`${title} 不在规则之内，照常求梯度：${where.join('、')}`);
  }
  const lrn = unique(operations.filter((o) => o.kernel === 'LRN').map((o) => o.layer));
  if (lrn.length) {
    notes.push(
      `局部响应归一化（LRN）在三种规则下都用它自己的梯度：${lrn.join('、')}。它的梯度有正有负，` +
        '所以反向去卷积离开 ReLU 时非负的梯度，经过它之后可以再变负',
    );
  }
  return notes;
}

/**
 * 说明规则会改到什么（explain the rule）：从图像到 `target` 的路上有哪些 ReLU、池化和其他运算。
 * 实际运行一次网络来看，所以藏在层里的、与卷积合并的 ReLU 和 ReLU6 也在内。
 *
 * @param target 与 inputGradient 的相同
 * @returns 层名由浅到深；不持有任何张量；下面根本没有激活函数时 relus 是空的，三种规则的结果相同
 * @throws RangeError 类别、层、通道或位置不对
 * @throws CourseError 下面有激活函数，规则却一个也改不到（LeakyReLU、swish、tanh、写成 max(x, 0) 的 ReLU 等）：这时只有 backprop 可用
 * @example
 * const { relus, poolRule } = explainRule(model, { class: 387 });
 */
export function explainRule(model: ImageModel, target: Target): RuleExplanation {
  const { layer } = resolveTarget(model, target);
  const operations = operationsBelow(model, layer);
  const at = (...kernels: string[]) => operations.filter((o) => kernels.includes(o.kernel)).map((o) => o.layer);
  const relus = at('Relu', 'Relu6');
  const others = operations.flatMap((o) => {
    const title = o.kernel === GATE ? GATE : OTHER_ACTIVATIONS[o.kernel];
    return title ? [`${title}（${o.layer}）`] : [];
  });
  if (relus.length === 0 && others.length > 0) {
    throw nothingChanged(layer, unique(others));
  }
  const pools = at('MaxPool');
  const poolRule = pools.length
    ? `${pools.join('、')}：梯度交给窗口里最大的那个输入；窗口重叠处 pool: 'gradient'（缺省）相加，'switches' 由后一个窗口覆盖`
    : '路上没有最大池化';
  return { relus, pools, poolRule, notes: notesOn(operations, relus, layer) };
}
