/**
 * The outputs of a notebook as the site shows them: pictures become files that a browser loads when they come into
 * view, and plotly figures their static picture, which figures.js replaces by the live one.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const PLOTLY = 'application/vnd.plotly.v1+json';
const PICTURES = ['image/png', 'image/jpeg'];
const joined = (text) => (Array.isArray(text) ? text.join('') : text);
const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

/** Writes files under names that tell their content apart: what two outputs share is stored once. */
export class Pictures {
  /** `folder` is what `address` (as seen from a chapter's page) points to. */
  constructor(folder, address) {
    this.folder = folder;
    this.address = address;
    fs.mkdirSync(folder, { recursive: true });
  }

  add(bytes, ending) {
    const name = `${crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.${ending}`;
    fs.writeFileSync(path.join(this.folder, name), bytes);
    return name;
  }
}

/** One output of a cell, changed where the site wants another form. */
export function siteOutput(output, pictures) {
  const { data } = output;
  const mime = data && PICTURES.find((type) => data[type]);
  if (mime) return htmlOutput(picture(output, mime, pictures));
  if (data?.['text/html']) return htmlOutput(`<div class="cs-html">${joined(data['text/html'])}</div>`);
  return output;
}

const htmlOutput = (html) => ({ output_type: 'display_data', metadata: {}, data: { 'text/html': html } });

function picture({ data, metadata = {} }, mime, pictures) {
  const name = pictures.add(Buffer.from(joined(data[mime]), 'base64'), mime.slice('image/'.length));
  const { width, height, alt } = metadata[mime] ?? {};
  const size = width && height ? ` width="${width}" height="${height}"` : '';
  const described = alt ?? joined(data['text/plain'] ?? '').replace(/^\[图\] /, '');
  const source = `${pictures.address}/${name}`;
  const image = `<img src="${source}"${size} alt="${escapeHtml(described)}" loading="lazy">`;
  if (!data[PLOTLY]) return `<div class="cs-picture">${image}</div>`;
  // a page opened from a folder may load scripts, but not read files: the figure is a script that hands itself over
  const figure = JSON.stringify(data[PLOTLY]);
  const key = crypto.createHash('sha256').update(figure).digest('hex').slice(0, 16);
  const script = pictures.add(Buffer.from(`convscopeFigure(${JSON.stringify(key)}, ${figure});\n`), 'js');
  return `<div class="cs-picture cs-figure" data-key="${key}" data-script="${pictures.address}/${script}">${image}</div>`;
}
