import { checkFields, checkFunction } from '../base/check';
import { shared } from '../base/state';

/** 单元格的一个输出：同样的内容，几种 MIME 类型，阅读的程序取最好的一种。 */
export interface DisplayBundle {
  /** MIME 类型到内容；图片是 base64。 */
  readonly data: Readonly<Record<string, unknown>>;
  /** 附加的信息，如图片的宽、高与说明。 */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** 有 id 的输出可以原地替换（进度条）。 */
  readonly id?: string;
  /** true：替换这个 id 的输出，而不是再添一个。 */
  readonly update: boolean;
}

export type Sink = (bundle: DisplayBundle) => void;

const state = () => shared<{ sink?: Sink }>('show.sink', () => ({}));

/**
 * 改变图表的去处（inject a sink）；传 undefined 恢复默认。返回原来的去处，便于恢复。
 *
 * 默认：在内核里显示在单元格下面；不在内核里时，终端打印一行说明，其他情形什么也不做。
 * @example
 * const previous = setSink(({ data }) => console.log(Object.keys(data)));
 * setSink(previous);
 */
export function setSink(sink: Sink | undefined): Sink | undefined {
  if (sink !== undefined) checkFunction('sink', sink);
  const previous = state().sink;
  state().sink = sink;
  return previous;
}

/** What `draw` would have displayed. */
export async function collect(draw: () => Promise<unknown>): Promise<DisplayBundle[]> {
  const bundles: DisplayBundle[] = [];
  const previous = setSink((bundle) => void bundles.push(bundle));
  try {
    await draw();
  } finally {
    setSink(previous);
  }
  return bundles;
}

/**
 * 发出一个输出（emit one display bundle）。`data`：MIME 类型 → 内容；`image/*` 的内容用字节或 base64。
 * @example
 * emit({ 'text/plain': '你好' });
 */
export function emit(
  data: Record<string, unknown>,
  { metadata = {}, id, update = false }: { metadata?: Record<string, unknown>; id?: string; update?: boolean } = {},
): void {
  const encoded = Object.fromEntries(
    Object.entries(checkFields('data', data, [], ' { MIME 类型: 内容 }')).map(([type, value]) => [
      type,
      value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
    ]),
  );
  (state().sink ?? defaultSink)({ data: encoded, metadata, id, update });
}

/** The kernel puts its own way to show things here (kernel/display/output.cjs). */
const kernel = () => shared<{ display?: Sink }>('kernel.display', () => ({}));

const defaultSink: Sink = (bundle) => {
  const { data, id } = bundle;
  const { display } = kernel();
  if (display) display(bundle);
  else if (process.stdout.isTTY && !id) console.log(String(data['text/plain'] ?? ''));
};
