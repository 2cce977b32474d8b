/** The heading of a chapter, from its own first line: # 01　卷积核权值：第一层里有什么 */
export function headingOf(notebook) {
  const texts = notebook.cells.map((cell) => [cell.source].flat().join(''));
  const [, number = '', title = ''] = texts.map((text) => text.match(/^# (\d+)\s*(.+)$/m)).find(Boolean) ?? [];
  const [head, question] = title.split('：');
  return { number, title, head, question };
}
