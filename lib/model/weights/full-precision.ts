import { CourseError } from '../../base/errors';
import { watchInterrupts } from '../../base/interrupt';
import { shared } from '../../base/state';
import { type FetchOptions, fetchNetworkFiles, UnavailableFiles } from './download';
import { decodeAlexNetFull, proveAlexNet } from './formats/alexnet-full';
import type { NamedWeights } from './formats/weights';
import { downloadSettings } from './settings';
import { WRONG_SUM } from './verify';

/** Nobody waits for what can be done without: a host that does not answer at once, or delivers too slowly. */
const PATIENCE = { connectTimeout: 1500, stallTimeout: 5000 };
/** Twelve megabytes in half a minute; a slower line has the compressed weights. */
const WHOLE = 30_000;

export interface FullPrecision {
  /** undefined：取不到，或没有通过核对；仍用压缩版。 */
  readonly weights?: NamedWeights;
  /** 给人看的一句话；只是取不到时没有。 */
  readonly note?: string;
}

/** 没有通过核对时，说明的开头；载入它的单元格要把这一句显示出来。 */
export const UNPROVEN = '完整精度的权值没有通过核对';

const refused = (why: string): FullPrecision => ({ note: `${UNPROVEN}，所以用压缩版：${why}` });

/** The files, or why there are none; waits for nothing long, and asks hosts that are out of reach once a process. */
async function files({ signal, settings, ...options }: FetchOptions): Promise<Map<string, Uint8Array> | FullPrecision> {
  const state = shared<{ failed?: FullPrecision }>('alexnet-2012-full', () => ({}));
  const watch = watchInterrupts({ signal });
  const late = AbortSignal.timeout(WHOLE);
  const offline = options.offline ?? downloadSettings(settings).offline;
  try {
    return await fetchNetworkFiles('alexnet-2012-full', {
      ...options,
      offline: offline || state.failed !== undefined,
      signal: AbortSignal.any([late, ...(signal ? [signal] : [])]),
      settings: { ...PATIENCE, ...settings },
    });
  } catch (error) {
    if (watch.stopped || !(error instanceof CourseError)) throw error;
    if (state.failed) return state.failed;
    const faults = error instanceof UnavailableFiles ? [...error.faults] : [];
    const wrong = faults.find(([, fault]) => fault.includes(WRONG_SUM));
    const failed = wrong ? refused(wrong.join('：')) : {};
    if (!offline) state.failed = failed;
    return failed;
  }
}

/**
 * AlexNet 2012 的卷积部分，完整精度（full precision）：取得到、校验和对、又证明是压缩版的原件，才用。
 *
 * 从不因它失败：连不上、太慢、磁盘满，都只是没有。
 *
 * @param quantised 压缩版（`decodeAlexNetTrunk`），核对的依据
 * @throws CourseError 只在用户中断时
 */
export async function fullPrecisionAlexNet(
  quantised: NamedWeights,
  options: FetchOptions = {},
): Promise<FullPrecision> {
  const found = await files(options);
  if (!(found instanceof Map)) return found;
  try {
    const { weights, lowest, order } = proveAlexNet(decodeAlexNetFull(found), quantised);
    const least = Math.floor(100 * lowest) / 100;
    const flipped = order === 'BGR' ? '；文件里的通道次序是 BGR，已翻成 RGB' : '';
    return {
      weights,
      note: `卷积部分是完整精度的权值：校验和相符，第一层 96 个卷积核与压缩版的相关系数都不低于 ${least}${flipped}。`,
    };
  } catch (error) {
    if (!(error instanceof CourseError)) throw error;
    return refused(error.message);
  }
}
