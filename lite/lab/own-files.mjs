/** The reader's own files beside the notebook (photos, networks): the worker gets them before a cell runs. */

const FOLDER = 'notebooks';

const bytesOf = ({ format, content }) => {
  if (format === 'base64') return Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  return new TextEncoder().encode(format === 'json' ? JSON.stringify(content) : content);
};

/** @param contents JupyterLab's contents manager @returns what has come or changed since the last time */
export function ownFiles(contents) {
  const seen = new Map();
  return async () => {
    const { content } = await contents.get(FOLDER, { content: true });
    const changed = content.filter(({ type, path, last_modified: time }) => type === 'file' && seen.get(path) !== time);
    return Promise.all(
      changed.map(async ({ path, last_modified: time }) => {
        seen.set(path, time);
        return { name: path, bytes: bytesOf(await contents.get(path, { content: true })) };
      }),
    );
  };
}
