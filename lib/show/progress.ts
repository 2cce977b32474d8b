import { emit } from './sink';
import { escapeHtml } from './html';

export interface Progress {
  /** 完成了 n 步（默认：再完成一步）；note 显示在后面。 */
  step(n?: number, note?: string): void;
  /** 结束；只留下一行。 */
  done(note?: string): void;
}

/** A screen needs no more, and every update is a message that the notebook's server must carry. */
const UPDATE_EVERY_MS = 200;
let count = 0;

/**
 * 进度条（progress bar），显示剩余时间；每秒最多更新 5 次，结束后只留一行。
 *
 * @param total 总步数（total），正数
 * @param label 说明
 * @returns `step(n?, note?)`：已完成 n 步，不写 n 则加一；`done(note?)`：结束
 * @example
 * const bar = progress(3, '照片');
 * for (const name of ['甲', '乙', '丙']) bar.step(1, name);
 * bar.done();
 */
export function progress(total: number, label = ''): Progress {
  if (!(total > 0)) throw new RangeError(`total 应为正数，得到 ${total}`);
  const id = `progress-${process.pid}-${Date.now().toString(36)}-${count++}`;
  const started = Date.now();
  let current = 0;
  let shown = 0;
  let finished = false;
  const draw = (update: boolean, note: string) => {
    shown = Date.now();
    emit(bar(current, total, label, remaining(started, current, total), note), { id, update });
  };
  draw(false, '');
  return {
    step(n = current + 1, note = '') {
      current = Math.min(total, Math.max(0, n));
      if (!finished && Date.now() - shown >= UPDATE_EVERY_MS) draw(true, note);
    },
    done(note = '') {
      if (finished) return;
      finished = true;
      emit(summary(current, total, label, (Date.now() - started) / 1000, note), { id, update: true });
    },
  };
}

function remaining(started: number, current: number, total: number): string {
  const seconds = (Date.now() - started) / 1000;
  // before that a guess would jump about
  if (current <= 0 || seconds < 0.5) return '';
  return current >= total ? '' : `还需约 ${duration((seconds / current) * (total - current))}`;
}

/** Seconds in words: 3.2 秒, 40 秒, 12 分钟. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} 秒`;
  if (seconds < 90) return `${Math.round(seconds)} 秒`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} 分钟` : `${(seconds / 3600).toFixed(1)} 小时`;
}

function bar(current: number, total: number, label: string, left: string, note: string): Record<string, string> {
  const percent = Math.round((100 * current) / total);
  const text = [`${percent}%（${Math.round(current)}/${Math.round(total)}）`, left, note].filter(Boolean).join('，');
  return {
    'text/html': `<div>${escapeHtml(label)} <progress value="${current}" max="${total}" style="width:300px;vertical-align:middle"></progress> ${escapeHtml(text)}</div>`,
    'text/plain': `${label} ${text}`.trim(),
  };
}

/** The last state is plain text without the seconds: a committed notebook does not change when it is run again. */
function summary(current: number, total: number, label: string, seconds: number, note: string): Record<string, string> {
  const complete = current >= total ? '完成' : `停在 ${Math.round(current)}/${Math.round(total)}`;
  return {
    'text/plain': [`${label || '计算'}：${complete}`, `用时 ${duration(seconds)}`, note].filter(Boolean).join('，'),
  };
}
