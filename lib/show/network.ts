import { createCanvas, type SKRSContext2D } from 'canvas';
import type { ImageModel, LayerInfo } from '../model/model';
import { outputMeaning } from '../model/output';
import { PALETTE } from './colormap';
import { emitCanvas } from './picture';
import { drawText, INK, LABEL, MUTED, NOTE, PAPER, RULE } from './text';
import { given } from '../model/given';

/** One line of the diagram: a layer, or a block of layers that share the part of their name before the "/". */
interface Block {
  readonly name: string;
  readonly last: LayerInfo;
  readonly parameters: number;
  readonly kind: 'conv' | 'pool' | 'dense';
}

/** Layers without weights that only reshape or rectify belong to the block before them. */
const COMPANIONS = [
  'Relu',
  'Relu6',
  'ReLU',
  'Activation',
  'LocalResponseNormalization',
  'Flatten',
  'Dropout',
  'BatchNormalization',
];

function blocksOf(model: ImageModel): Block[] {
  const groups: LayerInfo[][] = [];
  const prefix = (layer: LayerInfo) => layer.name.split('/')[0];
  for (const layer of model.layers) {
    if (layer.kind === 'InputLayer') continue;
    const current = groups[groups.length - 1];
    const joins = current && (prefix(layer) === prefix(current[0]) || COMPANIONS.includes(layer.kind));
    if (joins) current.push(layer);
    else groups.push([layer]);
  }
  return groups.map((layers) => {
    const last = layers[layers.length - 1];
    const pools = layers.every((l) => /Pool/.test(l.kind) || COMPANIONS.includes(l.kind));
    return {
      name: prefix(layers[0]),
      last,
      parameters: layers.reduce((sum, l) => sum + l.parameters, 0),
      kind: pools ? 'pool' : last.shape.length === 1 ? 'dense' : 'conv',
    };
  });
}

// Pixels: a row is a line of 16 with air; the silhouettes have 240, the other columns share the rest by what they hold.
const ROW = 30;
const TOP = 64;
const COLUMNS = { name: 24, silhouette: 300, shape: 520, field: 690, parameters: 830 };
const COLOURS = { conv: PALETTE[0], pool: PALETTE[1], dense: PALETTE[2] };

const thousands = (n: number) =>
  n === 0 ? '–' : n < 1e4 ? String(n) : n < 1e6 ? `${(n / 1e4).toFixed(1)} 万` : `${Math.round(n / 1e4)} 万`;

/** Size and stride, "rows × columns" where they differ; a map whose places see no one window has neither. */
function fieldText({ receptiveFields, shape }: LayerInfo): string {
  if (!receptiveFields) return shape.length === 3 && shape[0] * shape[1] > 1 ? '–' : '整幅图';
  const [rows, columns] = receptiveFields;
  const pair = (along: 'size' | 'stride') =>
    rows[along] === columns[along] ? rows[along] : `${rows[along]}×${columns[along]}`;
  return `${pair('size')} / ${pair('stride')}`;
}

/** Width: side of the feature map. Thickness: number of channels. */
function silhouette(context: SKRSContext2D, { last, kind }: Block, y: number, side: number): void {
  const [height, channels] = last.shape.length === 3 ? [last.shape[0], last.shape[2]] : [1, last.shape[0]];
  const width = Math.max(4, (240 * height) / side);
  const thickness = Math.min(ROW - 4, 4 + Math.sqrt(channels) * 0.7);
  context.fillStyle = COLOURS[kind];
  context.fillRect(COLUMNS.silhouette - width / 2, y - thickness / 2, width, thickness);
}

/**
 * 画出一个网络的结构（network diagram）：每行一层（或一个模块），横条的宽度是特征图的边长，粗细是通道数；右上角是输出的含义。
 *
 * @param model 任何 ImageModel；`options.alt` 给读屏软件的文字
 * @example
 * await showNetwork(model);
 */
export async function showNetwork(model: ImageModel, { alt }: { alt?: string } = {}): Promise<void> {
  const blocks = blocksOf(given(model));
  const widest = Math.max(...blocks.map((b) => (b.last.shape.length === 3 ? b.last.shape[0] : 1)));
  const canvas = createCanvas(960, TOP + blocks.length * ROW + 24);
  const context = canvas.getContext('2d');
  context.fillStyle = PAPER;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const head = { size: NOTE, color: MUTED, baseline: 'middle' } as const;
  drawText(context, model.title, COLUMNS.name, 22, { size: 20, weight: 'bold', color: INK, baseline: 'middle' });
  const pair = model.layers.some(({ kind }) => kind === 'TwoClasses');
  const meaning = `输出：${outputMeaning(model.output, model.classes.length, pair)}`;
  drawText(context, meaning, 936, 22, { ...head, align: 'right' });
  drawText(context, '层', COLUMNS.name, 50, head);
  drawText(context, '特征图（宽：边长，粗细：通道数）', COLUMNS.silhouette, 50, { ...head, align: 'center' });
  drawText(context, '形状', COLUMNS.shape, 50, head);
  drawText(context, '感受野 / 步幅', COLUMNS.field, 50, head);
  drawText(context, '参数', COLUMNS.parameters, 50, head);
  blocks.forEach((block, i) => {
    const y = TOP + (i + 0.5) * ROW;
    context.fillStyle = RULE;
    context.fillRect(COLUMNS.name, y - ROW / 2, 960 - 2 * COLUMNS.name, 1);
    const cell = { size: LABEL, baseline: 'middle' } as const;
    drawText(context, block.name, COLUMNS.name, y, cell);
    silhouette(context, block, y, widest);
    drawText(context, block.last.shape.join(' × '), COLUMNS.shape, y, cell);
    drawText(context, fieldText(block.last), COLUMNS.field, y, cell);
    drawText(context, thousands(block.parameters), COLUMNS.parameters, y, cell);
  });
  await emitCanvas(canvas, {
    alt: alt ?? `${model.title} 的结构（${meaning}）：${blocks.map((b) => b.name).join('、')}`,
  });
}
