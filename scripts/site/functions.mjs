/**
 * The reference of the library, from its docstrings: site/functions/, a page for every function, sorted by chapters.
 * The links in it and the parts it loads are looked at with the rest of the site (`examineSite`).
 */
import path from 'node:path';
import { Application, Comment, CommentTag, Converter } from 'typedoc';
import { notebookFiles } from '../notebooks/execute.mjs';
import { headingOf } from '../notebooks/heading.mjs';
import { inRoot, readJson } from '../setup/paths.mjs';

/** The rooms of lib/ that are not a chapter, as a reader looks for them. */
const ROOMS = {
  course: '课程：网络与练习',
  model: '网络',
  image: '图像与照片',
  show: '显示',
  tf: 'TensorFlow.js 与后端',
  base: '基础',
};

/** 01-filters: 01 卷积核权值 */
function titles() {
  const chapters = notebookFiles().map((file) => ({
    room: path.basename(file, '.ipynb'),
    ...headingOf(readJson(file)),
  }));
  const rooms = new Map();
  for (const { room, number, head } of chapters) rooms.set(room, `${number} ${head}`);
  for (const [room, title] of Object.entries(ROOMS)) rooms.set(room, title);
  return rooms;
}

/** Writes the pages into `folder`; a docstring that TypeDoc complains about is an error. */
export async function buildFunctions(folder) {
  const rooms = titles();
  const app = await Application.bootstrap({
    entryPoints: [inRoot('lib', 'index.ts')],
    tsconfig: inRoot('tsconfig.json'),
    out: folder,
    name: '看懂卷积网络：函数',
    lang: 'zh',
    readme: 'none',
    hideGenerator: true,
    disableGit: true,
    excludeExternals: true,
    treatWarningsAsErrors: true,
    logLevel: 'Warn',
    categorizeByGroup: false,
    categoryOrder: [...rooms.values()],
    // what one calls comes first, the types that belong to it after
    sort: ['kind', 'alphabetical'],
    kindSortOrder: ['Function', 'Variable', 'Namespace', 'Class', 'Interface', 'TypeAlias'],
    navigation: { includeCategories: true, includeGroups: false },
    navigationLinks: { 课程: '../index.html' },
    sourceLinkTemplate: 'lib:{path}',
    validation: { notExported: false, invalidLink: true, notDocumented: false, unusedMergeModuleWith: false },
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const child of project.children ?? []) sortIn(child, rooms);
  });
  // where a function stands is said; there is no page to go to
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      if (!reflection.isDeclaration() && !reflection.isSignature()) continue;
      for (const source of reflection.sources ?? []) delete source.url;
    }
  });
  const project = await app.convert();
  if (!project || app.logger.hasErrors() || app.logger.hasWarnings()) {
    throw new Error('TypeDoc found faults in the docstrings of lib/ (above)');
  }
  await app.generateOutputs(project);
}

/** Puts a name under the room that its source lies in, as `@category` would, which nobody has to write by hand. */
function sortIn(reflection, rooms) {
  const file = reflection.sources?.[0]?.fullFileName ?? '';
  const [room] = path.relative(inRoot('lib'), file).split(path.sep);
  // the namespaces (objective, penalty, …) are made in the door itself
  const category = rooms.get(room) ?? rooms.get('06-optimization');
  for (const place of reflection.signatures ?? [reflection]) {
    place.comment ??= new Comment();
    place.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: category }]));
  }
}
