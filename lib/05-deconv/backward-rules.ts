import { tf } from '../tf/backend';
import { type PoolingAttributes, unpoolBySwitches } from '../tf/max-pool-switches';
import { since, type Tally, tally } from '../tf/tally';
import { recordedNodes, type TapeNode } from '../tf/tape';

/**
 * Other backward rules for ReLU and max pooling, through TF.js' gradient registry.
 *
 * The registry is global. It is changed only around synchronous code and put back in `finally`: across an await two
 * callers would corrupt each other.
 */

/**
 * 往回传时一个 ReLU 传出什么。`gradient` 是从上面来的；`gate` 只让前向传播时 ReLU 开着的地方（0 < x，ReLU6 还要 x < 6）
 * 的梯度通过。
 */
export type ReluBackward = (gradient: tf.Tensor, gate: (gradient: tf.Tensor) => tf.Tensor) => tf.Tensor;

export type PoolBackward = 'gradient' | 'switches';

export interface BackwardRules {
  /** Without one: TF.js' own gradient. */
  readonly relu?: ReluBackward;
  readonly pool?: PoolBackward;
}

/**
 * How many operations the rules have changed; final when the backward pass has run. `gates` are ReLU6 left alone: see
 * isGate.
 */
export type RuleCount = Readonly<Tally>;

const RELU_KERNELS = ['Relu', 'Relu6'];

/**
 * Whether a ReLU6 is the gate of a hard sigmoid or hard swish, ReLU6(x + 3) / 6: a factor between 0 and 1, not the
 * activation that the rules speak of.
 */
export function isGate(node: TapeNode, tape: readonly TapeNode[]): boolean {
  if (node.kernelName !== 'Relu6') return false;
  const makes = (id: number) => tape.find(({ outputs }) => outputs.some((output) => output.id === id));
  const before = makes(node.inputs.x.id);
  const shifted = before?.kernelName === 'Add' && Object.values(before.inputs).some(({ size }) => size === 1);
  const scales = ({ kernelName, inputs }: TapeNode) =>
    ['Multiply', 'RealDiv'].includes(kernelName) &&
    Object.values(inputs).some(({ id }) => node.outputs.some((output) => output.id === id));
  return shifted && tape.some(scales);
}

type GradConfig = NonNullable<ReturnType<typeof tf.getGradient>>;

/**
 * One object for each rule, however often it is put in: a compiled backward pass recognises the rules it was made under
 * by it (see tf/compiled.ts).
 */
function remembered<K extends object>(make: (original: GradConfig, key: K) => GradConfig) {
  const known = new WeakMap<GradConfig, WeakMap<K, GradConfig>>();
  return (original: GradConfig, key: K): GradConfig => {
    const rules = known.get(original) ?? new WeakMap<K, GradConfig>();
    known.set(original, rules);
    const made = rules.get(key) ?? make(original, key);
    rules.set(key, made);
    return made;
  };
}

const reluGradient = remembered(changedRelu);
const poolGradient = remembered(changedPool);
const SWITCHES = {};

function changedRelu(original: GradConfig, rule: ReluBackward): GradConfig {
  return {
    kernelName: original.kernelName,
    inputsToSave: original.inputsToSave,
    outputsToSave: original.outputsToSave,
    gradFunc: (dy, saved, attributes) => ({
      x: () => {
        const tape = recordedNodes();
        const node = tape.find((n) => n.saved !== undefined && n.saved[0] === saved[0]);
        if (node && isGate(node, tape)) {
          tally().gates++;
          return original.gradFunc(dy, saved, attributes).x();
        }
        tally().relus++;
        const gate = (gradient: tf.Tensor) => original.gradFunc(gradient, saved, attributes).x();
        return tf.tidy(() => rule(dy as tf.Tensor, gate));
      },
    }),
  };
}

function changedPool(original: GradConfig): GradConfig {
  return {
    ...original,
    gradFunc: (dy, saved, attributes) => ({
      x: () => {
        tally().pools++;
        return unpoolBySwitches(dy as tf.Tensor, saved, attributes as unknown as PoolingAttributes);
      },
    }),
  };
}

/**
 * 在 `body` 运行期间改用别的反向规则；forward 与 backward 都必须在 `body` 之内（同步）。
 *
 * @param body receives the counter, which is final when its tf.grad has returned
 */
export function withBackwardRules<T>({ relu, pool }: BackwardRules, body: (count: RuleCount) => T): T {
  const before = { ...tally() };
  let final: Tally | undefined;
  const now = () => final ?? since(before);
  const count: RuleCount = {
    get relus() {
      return now().relus;
    },
    get pools() {
      return now().pools;
    },
    get gates() {
      return now().gates;
    },
  };
  const replaced: GradConfig[] = [];
  const replace = (kernel: string, change: (original: GradConfig) => GradConfig) => {
    const original = tf.getGradient(kernel);
    tf.unregisterGradient(kernel);
    replaced.push(original);
    tf.registerGradient(change(original));
  };
  try {
    if (relu) for (const kernel of RELU_KERNELS) replace(kernel, (original) => reluGradient(original, relu));
    if (pool === 'switches') replace('MaxPool', (original) => poolGradient(original, SWITCHES));
    return body(count);
  } finally {
    final = since(before);
    for (const original of replaced.reverse()) {
      tf.unregisterGradient(original.kernelName);
      tf.registerGradient(original);
    }
  }
}
