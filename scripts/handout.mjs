/**
 * npm run handout: a copy of the notebooks for students, without the solutions, and one for the teacher, with the
 * solutions and the grading hints unfolded: dist/handout/student and dist/handout/teacher. Both run where they lie.
 */
import path from 'node:path';
import { notebookFiles } from './notebooks/execute.mjs';
import { AUDIENCES } from './handout/audience.mjs';
import { writeHandout } from './handout/write.mjs';
import { readWords } from './setup/options.mjs';
import { inRoot } from './setup/paths.mjs';

try {
  readWords(process.argv.slice(2), {}, { positionals: false });
  for (const [audience, { title }] of Object.entries(AUDIENCES)) {
    const folder = inRoot('dist', 'handout', audience);
    const files = writeHandout(notebookFiles(), audience, folder);
    console.log(`${title}：${files.length} 本 → ${path.relative(process.cwd(), folder)}`);
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
