/**
 * TensorFlow's GraphDef, written byte by byte: the few messages of the protocol buffers that a traced network needs
 * (graph.proto, node_def.proto, attr_value.proto, tensor.proto).
 */

/** An attribute as the native binding takes it. */
export interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** Values that are known beforehand. */
export interface Constant {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly values: ArrayBufferView;
}

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** "node:index" each. */
  readonly inputs?: readonly string[];
  readonly attributes?: readonly Attribute[];
  readonly constant?: Constant;
  /** The type of a placeholder. */
  readonly placeholder?: number;
}

/** The binding's numbers for the kinds of attributes (TF_AttrType). */
const [STRING, INT, FLOAT, BOOL, TYPE, SHAPE] = [0, 1, 2, 3, 4, 5];

type Bytes = Uint8Array;

function varint(value: number | bigint): Bytes {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

function joined(parts: readonly Bytes[]): Bytes {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const text = (value: string): Bytes => new TextEncoder().encode(value);
const number = (field: number, value: number | bigint): Bytes => joined([varint(field << 3), varint(value)]);
const bytes = (field: number, content: Bytes): Bytes =>
  joined([varint((field << 3) | 2), varint(content.length), content]);
const message = (field: number, ...parts: Bytes[]): Bytes => bytes(field, joined(parts));
const float = (field: number, value: number): Bytes =>
  joined([varint((field << 3) | 5), new Uint8Array(Float32Array.of(value).buffer)]);

const shapeOf = (field: number, shape: readonly number[]): Bytes =>
  message(field, ...shape.map((size) => message(2, number(1, size))));

function tensorOf(field: number, { dtype, shape, values }: Constant): Bytes {
  const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return message(field, number(1, dtype), shapeOf(2, shape), bytes(4, content));
}

/** One value of an attribute under its field of AttrValue, which is also its field of a list. */
function valueOf(type: number, value: unknown): Bytes {
  switch (type) {
    case STRING:
      return bytes(2, text(value as string));
    case INT:
      return number(3, Number(value));
    case FLOAT:
      return float(4, value as number);
    case BOOL:
      return number(5, value ? 1 : 0);
    case TYPE:
      return number(6, value as number);
    case SHAPE:
      return shapeOf(7, value as number[]);
    default:
      throw new RangeError(`attribute of the unknown kind ${type}`);
  }
}

function attributeOf({ type, value }: Attribute): Bytes {
  if (!Array.isArray(value) || type === SHAPE) return valueOf(type, value);
  return message(1, ...value.map((one) => valueOf(type, one)));
}

const entry = (name: string, value: Bytes): Bytes => message(5, bytes(1, text(name)), bytes(2, value));

function nodeOf({ name, op, inputs = [], attributes = [], constant, placeholder }: GraphNode): Bytes {
  return message(
    1,
    bytes(1, text(name)),
    bytes(2, text(op)),
    ...inputs.map((input) => bytes(3, text(input))),
    ...attributes.map((attribute) => entry(attribute.name, attributeOf(attribute))),
    ...(constant ? [entry('dtype', number(6, constant.dtype)), entry('value', tensorOf(8, constant))] : []),
    ...(placeholder === undefined ? [] : [entry('dtype', number(6, placeholder))]),
  );
}

/** The nodes as a GraphDef. */
export const graphDef = (nodes: readonly GraphNode[]): Uint8Array => joined(nodes.map(nodeOf));
