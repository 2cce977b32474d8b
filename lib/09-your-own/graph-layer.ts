import { tf } from '../tf/backend';
import { addKnownLayers } from '../tf/known-layers';

/** The parts of a tf.GraphModel that a layer is made of; TF.js keeps them to itself. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly GraphNode[];
  readonly attrParams: Readonly<Record<string, { value?: unknown }>>;
}

type Inputs = tf.Tensor | tf.Tensor[];
export type Named = Record<string, tf.Tensor>;

/** Operations in which one place of the output reads one place of the input. */
const POINTWISE =
  /^(_?Fused)?(BiasAdd|Add|AddV2|AddN|Sub|Mul|RealDiv|Maximum|Minimum|Relu|Relu6|LeakyRelu|Prelu|Elu|Selu|Sigmoid|Tanh|Softplus|ClipByValue|ConcatV2|Concat|BatchNorm|BatchNormV2|BatchNormV3|LRN)$/;

/** How the course names an operation: what has a window is treated like the Keras layer of that name. */
function kindOf({ op, attrParams }: GraphNode): string {
  const windowed = attrParams.pad?.value !== 'explicit';
  if (windowed && /DepthwiseConv2d/i.test(op)) return 'GraphDepthwiseConv2D';
  if (windowed && /Conv2D$/.test(op)) return 'GraphConv2D';
  if (windowed && op === 'MaxPool') return 'GraphMaxPooling2D';
  if (windowed && op === 'AvgPool') return 'GraphAveragePooling2D';
  if (op === 'Softmax') return 'Softmax';
  return POINTWISE.test(op) ? op : 'GraphOperation';
}

export interface GraphLayerOptions {
  readonly name: string;
  readonly node: GraphNode;
  readonly shape: readonly number[];
  /** Kernels, matrices and biases; the layer copies them. */
  readonly constants: Readonly<Named>;
  /** A product with one number, the first thing done to the pixels: that number. */
  readonly scaling?: number;
  run(inputs: tf.Tensor[], constants: Named): tf.Tensor;
}

/** One operation of a graph as a layer; its window, where it has one, is found under the names that Keras uses. */
export class GraphLayer extends tf.layers.Layer {
  static className = 'GraphOperation';
  readonly kernelSize?: number[];
  readonly poolSize?: number[];
  readonly strides?: number[];
  readonly padding?: string;
  readonly dilationRate?: number[];
  /** Works on each place by itself. */
  readonly pointwise: boolean;
  readonly op: string;
  /** The activation that the operation ends with; empty: none. */
  readonly fused: string;
  readonly scaling?: number;
  private readonly names: string[] = [];

  constructor(private readonly options: GraphLayerOptions) {
    super({ name: options.name, trainable: false });
    const { attrParams, op } = options.node;
    this.op = op;
    this.scaling = options.scaling;
    const fused = (attrParams.fusedOps?.value ?? []) as string[];
    this.fused = fused.filter((name) => !/^(biasadd|fusedbatchnorm|noop)$/i.test(name)).at(-1) ?? '';
    const kernel = Object.values(options.constants).find((w) => w.rank === 4);
    this.kernelSize = kernel?.shape.slice(0, 2);
    const pool = attrParams.kernelSize?.value;
    if (Array.isArray(pool)) this.poolSize = pool.slice(1, 3);
    const strides = attrParams.strides?.value;
    if (Array.isArray(strides)) this.strides = strides.slice(1, 3);
    this.padding = attrParams.pad?.value as string | undefined;
    const dilations = attrParams.dilations?.value;
    if (Array.isArray(dilations)) this.dilationRate = dilations.slice(1, 3);
    this.pointwise = POINTWISE.test(op);
  }

  override build(): void {
    for (const [name, value] of Object.entries(this.options.constants)) {
      const initial = { apply: () => tf.clone(value), getClassName: () => 'Given' };
      this.addWeight(name, value.shape, 'float32', initial as never, undefined, false);
      this.names.push(name);
    }
    this.built = true;
  }

  override call(inputs: Inputs): tf.Tensor {
    return tf.tidy(() => {
      const constants = Object.fromEntries(this.names.map((name, i) => [name, this.weights[i].read()]));
      return this.options.run([inputs].flat(), constants);
    });
  }

  override computeOutputShape(): tf.Shape {
    return [null, ...this.options.shape];
  }

  override getClassName(): string {
    return kindOf(this.options.node);
  }
}

addKnownLayers(GraphLayer);
