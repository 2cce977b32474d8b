import type { Attribute } from './graph-def';
import type { Call } from './trace';

/**
 * Convolution, bias and rectifier as TensorFlow's one operation for them, the same to the bit: the bias and the rectifier
 * are put on while the numbers are in the cache (on SqueezeNet's windows a third of such a layer's time).
 */

const [STRING, INT, , , TYPE] = [0, 1, 2, 3, 4];
/** The number of float32 (TF_FLOAT). */
export const FLOAT = 1;
const RECTIFIERS = ['Relu', 'Relu6'];
/** What both operations understand; explicit paddings are left alone. */
const SHARED = ['T', 'strides', 'padding', 'data_format', 'dilations'];

/** Those of a convolution over [n, h, w, c]. */
export const convolutionAttributes = (stride: number, pad: 'same' | 'valid'): Attribute[] => [
  { name: 'T', type: TYPE, value: FLOAT },
  { name: 'strides', type: INT, value: [1, stride, stride, 1] },
  { name: 'padding', type: STRING, value: pad.toUpperCase() },
  { name: 'data_format', type: STRING, value: 'NHWC' },
  { name: 'dilations', type: INT, value: [1, 1, 1, 1] },
];

/** The attributes of the whole, from those of the convolution. */
export const fusedAttributes = (convolution: readonly Attribute[], activation?: string): Attribute[] => [
  ...convolution.filter(({ name }) => SHARED.includes(name)),
  { name: 'num_args', type: INT, value: 1 },
  { name: 'TArgs', type: TYPE, value: [FLOAT] },
  { name: 'fused_ops', type: STRING, value: activation ? ['BiasAdd', activation] : ['BiasAdd'] },
];

const attributeOf = (call: Call, name: string) => call.attributes.find((a) => a.name === name)?.value;
const isPlain = (call: Call) =>
  attributeOf(call, 'T') === FLOAT &&
  attributeOf(call, 'data_format') === 'NHWC' &&
  ['SAME', 'VALID'].includes(attributeOf(call, 'padding') as string);

/** The calls with such chains as one call each, where nobody else reads what is in between. */
export function fused(calls: readonly Call[], outputs: readonly number[]): Call[] {
  const reads = new Map<number, number>();
  for (const id of [...calls.flatMap(({ inputs }) => inputs), ...outputs]) reads.set(id, (reads.get(id) ?? 0) + 1);
  const makers = new Map(calls.flatMap((call) => call.outputs.map(({ id }) => [id, call] as const)));
  const alone = (id: number, op: string) => {
    const maker = makers.get(id);
    return maker?.op === op && reads.get(id) === 1 ? maker : undefined;
  };
  const whole = new Map<Call, Call>();
  const swallowed = new Set<Call>();
  for (const last of [...calls].reverse()) {
    if (swallowed.has(last)) continue;
    const rectifier = RECTIFIERS.includes(last.op) ? last.op : undefined;
    const bias = rectifier ? alone(last.inputs[0], 'BiasAdd') : last.op === 'BiasAdd' ? last : undefined;
    const convolution = bias && alone(bias.inputs[0], 'Conv2D');
    if (!bias || !convolution || !isPlain(convolution)) continue;
    whole.set(last, {
      op: '_FusedConv2D',
      attributes: fusedAttributes(convolution.attributes, rectifier),
      inputs: [...convolution.inputs, bias.inputs[1]],
      outputs: last.outputs,
    });
    swallowed.add(convolution);
    if (rectifier) swallowed.add(bias);
  }
  return calls.filter((call) => !swallowed.has(call)).map((call) => whole.get(call) ?? call);
}
