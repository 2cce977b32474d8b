/** WebGPU without a graphics card, for the tests: Chromium brings a Vulkan that the processor plays (SwiftShader). */
import fs from 'node:fs';
import path from 'node:path';
import { findChromium } from '../setup/run.mjs';
import { installWebgpu, planWebgpu, webgpuFacts, webgpuFrom } from '../setup/webgpu.mjs';

const ICD = 'vk_swiftshader_icd.json';
/** Debian's program is a script elsewhere. */
const folders = (program) => [path.dirname(fs.realpathSync(program)), '/usr/lib/chromium', '/usr/lib/chromium-browser'];

/** The environment in which Dawn finds it, and nothing else; undefined where it is not. */
export function softwareVulkan(program = findChromium()) {
  if (process.platform !== 'linux' || !program) return undefined;
  const folder = folders(program).find((name) => fs.existsSync(path.join(name, ICD)));
  if (!folder) return undefined;
  const file = path.join(folder, ICD);
  return { VK_ICD_FILENAMES: file, VK_DRIVER_FILES: file, LD_LIBRARY_PATH: folder };
}

/** Installs a binding for the tests alone: the course on this machine goes on without it. */
export async function webgpuForTests(report) {
  const env = softwareVulkan();
  const { key } = planWebgpu({ wished: true, off: false });
  const place = `${key}-tests`;
  if (!webgpuFacts(place)) await installWebgpu({ key, place, env }, report);
  return { ...env, ...webgpuFrom(place) };
}
