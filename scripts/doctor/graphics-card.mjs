/** Graphics cards of any make, by way of the backend webgpu: is it there, does it compute, on which adapter. */
import fs from 'node:fs';
import { webgpuFailureFile } from '../setup/bootstrap.mjs';
import { cacheFolder, folderSize, readJson } from '../setup/paths.mjs';
import { megabytes } from '../setup/report.mjs';
import { planWebgpu, tryWebgpu, webgpuFacts, webgpuVersion } from '../setup/webgpu.mjs';
import { both, could, good, reasonOf } from './texts.mjs';

const label = both('显卡（webgpu）', 'Graphics card (webgpu)');
const SET_UP = both('用上显卡：npm run setup -- --webgpu', 'use the graphics card: npm run setup -- --webgpu');

/** Linux shows a card that can compute as a file; the other systems have nearly always one. */
const cardSeen = () =>
  process.platform !== 'linux' ||
  (fs.existsSync('/dev/dri') && fs.readdirSync('/dev/dri').some((name) => name.startsWith('renderD')));

/**
 * The finding, where there is something to say, and the adapter's name if the chapters would take it.
 * @returns {Promise<{ finding?: object, usable?: string }>}
 */
export async function graphicsCard() {
  if (!webgpuFacts()) return { finding: missing() };
  const facts = await tryWebgpu().catch((error) => ({ problem: reasonOf(error) }));
  if (facts.problem)
    return {
      finding: could(label, both(`启动失败：${facts.problem.zh}`, `does not start: ${facts.problem.en}`), SET_UP),
    };
  const { adapter, software } = facts;
  const place = `Dawn ${webgpuVersion()}, ${megabytes(folderSize(cacheFolder('webgpu')))} MB`;
  if (!software)
    return { finding: good(label, both(`${adapter}（${place}）`, `${adapter} (${place})`)), usable: adapter };
  const text = both(
    `${adapter}：由处理器模拟，只在 CONVSCOPE_BACKEND=webgpu 时使用（${place}）`,
    `${adapter}: played by the processor, used only with CONVSCOPE_BACKEND=webgpu (${place})`,
  );
  return { finding: { mark: '-', label, text } };
}

function missing() {
  const failure = readJson(webgpuFailureFile());
  if (failure) {
    const last = (text) => text.trim().split('\n').pop().slice(0, 160);
    return could(label, both(last(failure.texts.zh), last(failure.texts.en)), SET_UP);
  }
  const possible = planWebgpu({ wished: true }).kind === 'install' && cardSeen();
  return possible ? could(label, both('没有用上', 'not used'), SET_UP) : undefined;
}
