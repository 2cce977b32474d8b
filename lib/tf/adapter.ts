/** What WebGPU tells about a graphics adapter: a page's or Dawn's, in Node. */
export interface AdapterInfo {
  readonly vendor?: string;
  readonly architecture?: string;
  readonly device?: string;
  readonly description?: string;
  readonly isFallbackAdapter?: boolean;
}

/** Programs that draw on the processor, by the names that they give themselves. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render|\bwarp\b|\bcpu\b/i;

/** Whether there is no chip behind it: slower than wasm. */
export const isSoftware = ({ architecture, device, description, isFallbackAdapter }: AdapterInfo): boolean =>
  Boolean(isFallbackAdapter) || SOFTWARE.test([architecture, device, description].join(' '));

/** The card's name; pages keep it to themselves and tell its family. */
export const adapterName = ({ vendor, architecture, device, description }: AdapterInfo): string =>
  device?.replace(/-+$/, '') || description || [vendor, architecture].filter(Boolean).join(' ') || 'GPU';
