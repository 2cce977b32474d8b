/** At most this share of the time goes into drawing, whatever a drawing costs on this machine. */
const SHARE = 0.1;
let count = 0;

/**
 * A picture that is drawn again and again in one place. The first time and whenever it `must` be it is drawn; in
 * between only as long as that takes little of the time.
 */
export function throttled(kind: string) {
  const id = `${kind}-${process.pid}-${Date.now().toString(36)}-${count++}`;
  const started = performance.now();
  let spent = 0;
  let drawn = false;
  return async (must: boolean, draw: (place: { id: string; update: boolean }) => Promise<void>): Promise<void> => {
    const before = performance.now();
    if (drawn && !must && spent > SHARE * (before - started)) return;
    await draw({ id, update: drawn });
    drawn = true;
    spent += performance.now() - before;
  };
}
