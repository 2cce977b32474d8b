import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { notebookFiles } from '../../scripts/notebooks/execute.mjs';
import { codeCells } from '../../scripts/notebooks/rules.mjs';
import { readJson } from '../../scripts/setup/paths.mjs';

const PLOTLY = 'application/vnd.plotly.v1+json';
const joined = (value) => (Array.isArray(value) ? value.join('') : (value ?? ''));
const outputs = notebookFiles().flatMap((file) => {
  const notebook = readJson(file);
  return codeCells(notebook).flatMap((cell) =>
    cell.outputs.map((output) => ({ place: `${path.basename(file)}, cell ${notebook.cells.indexOf(cell) + 1}`, output })),
  );
});

/** The picture in an output: its type, or none. */
const pictureOf = ({ data = {} }) => Object.keys(data).find((type) => type.startsWith('image/'));

test('every picture has an alternative text: in its metadata, for readers of screens, and as plain text', () => {
  const pictures = outputs.filter(({ output }) => pictureOf(output));
  assert.ok(pictures.length > 80, `${pictures.length} pictures`);
  const faults = pictures.flatMap(({ place, output }) => {
    const alt = output.metadata?.[pictureOf(output)]?.alt?.trim() ?? '';
    const plain = joined(output.data['text/plain']);
    if (alt.length < 4) return [`${place}: no alternative text`];
    return plain.includes(`[图] ${alt}`) ? [] : [`${place}: "${plain.slice(0, 60)}" does not say "${alt}"`];
  });
  assert.is(faults.length, 0, faults.join('\n'));
});

test('pictures inside HTML have one too, and live figures have a picture beside them', () => {
  const faults = outputs.flatMap(({ place, output }) => {
    const images = joined(output.data?.['text/html']).match(/<img\b[^>]*>/g) ?? [];
    const silent = images.filter((image) => !/\balt="[^"]{4,}"/.test(image)).map((image) => `${place}: ${image.slice(0, 80)}`);
    return output.data?.[PLOTLY] && !pictureOf(output) ? [...silent, `${place}: a live figure alone`] : silent;
  });
  assert.is(faults.length, 0, faults.join('\n'));
});

/** How two kinds of colour-blind eyes see linear RGB (Machado, Oliveira and Fernandes 2009, severity 1). */
const EYES = {
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]], // prettier-ignore
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]], // prettier-ignore
  ordinary: [[1, 0, 0], [0, 1, 0], [0, 0, 1]], // prettier-ignore
};
const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, v, i) => sum + v * vector[i], 0));
const linear = (v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);

function rgb(colour) {
  const hex = colour.match(/^#([\da-f]{2})([\da-f]{2})([\da-f]{2})$/i);
  const parts = hex ? hex.slice(1).map((part) => parseInt(part, 16)) : colour.match(/[\d.]+/g)?.map(Number);
  assert.ok(parts?.length >= 3, `not a colour: ${colour}`);
  return parts.slice(0, 3);
}

/** Where an eye sees a colour in OKLab (Ottosson 2020); distances there are about as large as they look. */
function seen(colour, eye) {
  const light = times(EYES[eye], rgb(colour).map(linear)).map((v) => Math.max(0, v));
  const cones = times([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]], light); // prettier-ignore
  return times([[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]], cones.map(Math.cbrt)); // prettier-ignore
}
const distance = (a, b, eye) => Math.hypot(...seen(a, eye).map((v, i) => v - seen(b, eye)[i]));

/** Pairs of colours that an ordinary eye tells apart and a colour-blind one does not: a third of the distance is left. */
function lostPairs(colours) {
  const pairs = colours.flatMap((a, i) => colours.slice(i + 1).map((b) => [a, b]));
  return pairs.filter(([a, b]) =>
    ['protanopia', 'deuteranopia'].some((eye) => distance(a, b, eye) < Math.min(0.05, distance(a, b, 'ordinary') / 3)),
  );
}

/** The colours of a scale at its ends, in the middle and between. */
const fiveOf = (scale) => [0, 0.25, 0.5, 0.75, 1].map((t) => scale[Math.round(t * (scale.length - 1))][1]);

function scalesIn(value, found = new Map()) {
  if (value === null || typeof value !== 'object') return found;
  for (const [key, inner] of Object.entries(value)) {
    if (/^(colorscale|colorway)$/.test(key)) found.set(JSON.stringify(inner), { key, scale: inner });
    else scalesIn(inner, found);
  }
  return found;
}

test('the measure knows a red-green pair when it sees one', () => {
  const redGreen = [[0, 'rgb(165,0,38)'], [0.5, 'rgb(255,255,191)'], [1, 'rgb(0,104,55)']]; // prettier-ignore
  assert.ok(lostPairs(fiveOf(redGreen)).length > 0);
  assert.ok(lostPairs(['#d62728', '#2ca02c', '#8c564b']).length > 0);
  assert.is(lostPairs(['#0000ff', '#ffaa00', '#ffffff']).length, 0);
});

test('no colour scale and no set of line colours is a red-green pair', () => {
  const named = new Set(['Viridis', 'Cividis', 'Greys']); // made to be told apart by colour-blind eyes
  const scales = new Map(outputs.flatMap(({ output }) => [...scalesIn(output.data?.[PLOTLY] ?? null)]));
  assert.ok(scales.size >= 3, `${scales.size} scales`);
  for (const { key, scale } of scales.values()) {
    if (typeof scale === 'string') assert.ok(named.has(scale), `colour scale ${scale} is not known to be safe`);
    else assert.equal(lostPairs(key === 'colorway' ? scale.slice(0, 6) : fiveOf(scale)), []);
  }
});

test.run();
