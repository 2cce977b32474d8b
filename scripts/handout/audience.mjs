/** From one notebook, the copy for students and the copy for the teacher. Nothing here reads or writes files. */

export const text = (cell) => (Array.isArray(cell.source) ? cell.source.join('') : (cell.source ?? ''));
export const tagged = (cell, tag) => (cell.metadata?.tags ?? []).includes(tag);

const lines = (source) => source.split(/(?<=\n)/);
const withText = (cell, source) => ({ ...cell, source: lines(source) });

/** An exercise as it is before anybody has tried it. */
const untried = (cell) =>
  cell.cell_type === 'code' && tagged(cell, 'exercise') ? { ...cell, execution_count: null, outputs: [] } : cell;

const unfolded = (cell) =>
  tagged(cell, 'solution') || tagged(cell, 'teacher')
    ? withText(cell, text(cell).replaceAll('<details>', '<details open>'))
    : cell;

const banner = (id, source) => ({ cell_type: 'markdown', id, metadata: {}, source: [source] });

export const AUDIENCES = {
  student: {
    title: '学生版',
    cells: (cells) => cells.filter((cell) => !tagged(cell, 'solution') && !tagged(cell, 'teacher')),
    note: '**学生版**　练习先自己做；能用 `check` 检查的，运行那一格就知道对不对。参考答案在教师那里。',
  },
  teacher: {
    title: '教师版',
    cells: (cells) => cells.map(unfolded),
    note: '**教师版**　练习之后是参考答案，再后面是用文字回答的练习的评分要点。请不要发给学生。',
  },
};

/** Links and files outside the notebooks' folder, as seen from where the copy lies: `up` is '../' or '../../../' ... */
const moved = (cell, up) =>
  cell.cell_type === 'markdown' ? withText(cell, text(cell).replaceAll('](../', `](${up}`)) : cell;

/** A notebook (parsed) for one audience; its code, and so the fingerprint of its outputs, stays as it is. */
export function handoutOf(notebook, audience, { up = '../' } = {}) {
  const { cells, note } = AUDIENCES[audience];
  const [title, ...rest] = cells(notebook.cells).map((cell) => untried(moved(cell, up)));
  return { ...notebook, cells: [title, banner(`handout-${audience}`, note), ...rest] };
}
