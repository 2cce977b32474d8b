/**
 * Values that must outlive a reload of the library: the kernel re-evaluates an edited module, but a loaded
 * network, the chosen backend or a counter of interrupts may exist only once per process.
 */
const KEY = Symbol.for('convscope.state');

/** 取得进程内唯一的值；第一次用到时由 `create` 建立（shared state, survives module reloads）。 */
export function shared<T>(key: string, create: () => T): T {
  const holder = globalThis as unknown as Record<symbol, Map<string, unknown> | undefined>;
  const values = (holder[KEY] ??= new Map());
  if (!values.has(key)) values.set(key, create());
  return values.get(key) as T;
}
