/** Looks at the finished pages: every link and every part they load is there, and nothing comes from outside. */
import fs from 'node:fs';
import path from 'node:path';
import { htmlFiles } from './finish.mjs';
import { LAB } from './folders.mjs';

const OUTSIDE = /^(https?:)?\/\//i;
/** Loaded by the browser itself, unlike an address that a reader follows. */
const LOADED = {
  img: 'src',
  script: 'src',
  source: 'src',
  iframe: 'src',
  video: 'src',
  audio: 'src',
  embed: 'src',
  object: 'data',
};

/** The tags of a page with their attributes; what stands in scripts, styles and comments is no tag. */
export function* tagsOf(html) {
  const plain = html.replace(/<!--[\s\S]*?-->/g, '').replace(/(<(script|style)\b[^>]*>)[\s\S]*?<\/\2>/gi, '$1');
  for (const [, name, rest] of plain.matchAll(
    /<([a-z][\w-]*)((?:\s+[^\s=>]+(?:=(?:"[^"]*"|'[^']*'|[^\s>]+))?)*)\s*\/?>/gi,
  )) {
    const attributes = {};
    for (const [, key, value = ''] of rest.matchAll(/([^\s=]+)(?:=("[^"]*"|'[^']*'|[^\s>]+))?/g)) {
      attributes[key.toLowerCase()] = value.replace(/^["']|["']$/g, '').replace(/&amp;/g, '&');
    }
    yield { name: name.toLowerCase(), attributes };
  }
}

/** { loads, links, anchors } of one page. */
export function referencesOf(html) {
  const page = { loads: [], links: [], anchors: new Set() };
  for (const { name, attributes } of tagsOf(html)) {
    if (attributes.id) page.anchors.add(attributes.id);
    if (name === 'a' && attributes.name) page.anchors.add(attributes.name);
    if (name === 'a' && attributes.href !== undefined) page.links.push(attributes.href);
    if (LOADED[name] && attributes[LOADED[name]]) page.loads.push(attributes[LOADED[name]]);
    if (attributes['data-script']) page.loads.push(attributes['data-script']);
    if (attributes.srcset) page.loads.push(...attributes.srcset.split(',').map((part) => part.trim().split(/\s+/)[0]));
    if (name === 'link' && attributes.href && /stylesheet|icon|preload|manifest/.test(attributes.rel ?? ''))
      page.loads.push(attributes.href);
  }
  return page;
}

const styleAddresses = (css) =>
  [
    ...css.replace(/\/\*[\s\S]*?\*\//g, '').matchAll(/url\(\s*["']?([^"')]+)["']?\s*\)|@import\s+["']([^"']+)["']/g),
  ].map(([, a, b]) => a ?? b);

/** { faults, external, pages, links }: complaints about the site in `folder`, and the addresses outside that readers can follow. */
export function examineSite(folder) {
  const texts = htmlFiles(folder).map((name) => [name, fs.readFileSync(path.join(folder, name), 'utf8')]);
  const pages = new Map(texts.map(([name, html]) => [name, referencesOf(html)]));
  const faults = texts.flatMap(([name, html]) => rawMarks(html).map((mark) => `${name}: not understood: ${mark}`));
  const external = new Set();
  let links = 0;
  const look = (from, address, isLoad) => {
    if (/^(data|mailto|javascript|blob|about):/i.test(address)) return;
    if (OUTSIDE.test(address)) {
      if (isLoad) faults.push(`${from}: loads ${address}`);
      else external.add(address);
      return;
    }
    links += 1;
    const [place, anchor] = address.split('#');
    const file =
      place === ''
        ? from
        : path.posix.normalize(path.posix.join(path.posix.dirname(from), decodeURIComponent(place.split('?')[0])));
    if (!fs.statSync(path.join(folder, file), { throwIfNoEntry: false })?.isFile())
      faults.push(`${from}: ${address} is not there`);
    else if (anchor && pages.has(file) && !pages.get(file).anchors.has(decodeURIComponent(anchor)))
      faults.push(`${from}: ${address}: no such place`);
  };
  for (const [name, page] of pages) {
    for (const address of page.loads) look(name, address, true);
    for (const address of page.links) look(name, address, false);
  }
  for (const name of fs
    .readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.css') && !file.startsWith(LAB))) {
    const css = fs.readFileSync(path.join(folder, name), 'utf8');
    for (const address of styleAddresses(css))
      if (!address.startsWith('#')) look(name.replaceAll('\\', '/'), address, true);
  }
  return { faults, external: [...external].sort(), pages: pages.size, links };
}

/** Marks that a reader should never see: a formula or emphasis that was not understood. */
export function rawMarks(html) {
  const article = html.match(/<article[\s\S]*<\/article>/)?.[0] ?? '';
  const prose = article
    .replace(/<(pre|code|script|style|annotation|math)\b[\s\S]*?<\/\1>/g, '')
    .replace(/<div class="cs-(?:picture|html)[\s\S]*?<\/div>/g, '')
    .replace(/<[^>]+>/g, '');
  return [
    ...prose.matchAll(
      /.{0,30}(?:\*\*|\$[^$\n]{1,60}\$|\\(?:frac|text|mathcal|operatorname|mathrm)\{|\]\([^)]*\)).{0,30}/g,
    ),
  ].map(([found]) => found.trim());
}
