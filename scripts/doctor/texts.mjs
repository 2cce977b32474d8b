/** Findings: { mark, label, text, advice? }, with texts in both languages. */
export const both = (zh, en) => ({ zh, en });
export const same = (text) => both(text, text);
export const good = (label, text) => ({ mark: '✓', label, text });
export const could = (label, text, advice) => ({ mark: '!', label, text, advice });
export const bad = (label, text, advice) => ({ mark: '✗', label, text, advice });

/** What a Node process said before it died, in one line: its error, not Node's last words. */
export function reasonOf({ code, output = '', message }) {
  const lines = output.split('\n').map((line) => line.trim());
  const error = lines.find((line) => /^(\w+: )*\w*Error\b.*: /.test(line)) ?? lines.find((line) => /error/i.test(line));
  if (error) return same(error.replace(/^(\w*Error: )+/, '').slice(0, 200));
  if (code === 137) return both('进程没有说明原因就结束了', 'it died without a word');
  return same(message.split('\n')[0]);
}
