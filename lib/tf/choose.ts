import { CourseError } from '../base/errors';
import { type BackendName, type Choice, HINT, order, reasonOf, type Started, type Starter, STARTERS } from './starters';

const firstLine = (error: unknown) =>
  String((error as Error)?.message ?? error)
    .split('\n')[0]
    .trim();

/**
 * Starts the first backend that starts, and collects why those before it did not.
 *
 * @param named the one and only that is wanted
 */
export async function choose(
  named?: BackendName,
  choices: readonly Choice[] = named ? [{ name: named }] : order(),
  starters: Partial<Record<BackendName, Starter>> = STARTERS,
): Promise<Started & { notes: string[] }> {
  const notes = new Set<string>();
  for (const { name, only } of choices) {
    try {
      const running = await starters[name]!(Boolean(named));
      if (!only || running.device === only) return { ...running, notes: [...notes] };
    } catch (error) {
      notes.add(`${name}：${reasonOf(firstLine(error))}`);
    }
  }
  throw new CourseError(`后端启动失败。${[...notes].join('；')}。${HINT}`);
}
