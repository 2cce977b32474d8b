/** Files that appear whole or not at all. */
import * as fs from 'node:fs';
import * as path from 'node:path';

/** Writes through a draft beside the file and renames it, also when we are killed in between. */
export function writeWhole(file: string, ...chunks: (string | Uint8Array)[]): void {
  const draft = new Draft(file);
  for (const chunk of chunks) draft.write(chunk);
  draft.finish();
}

/** A file that is written piece by piece and takes its name at the end. */
export class Draft {
  private readonly draft: string;
  private readonly handle: number;

  constructor(private readonly file: string) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    this.draft = `${file}.${process.pid}.part`;
    this.handle = fs.openSync(this.draft, 'w');
  }

  /** At `at` bytes from the beginning, or where the last write ended. */
  write(chunk: string | Uint8Array, at?: number): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    for (let done = 0; done < bytes.length;)
      done += fs.writeSync(this.handle, bytes, done, bytes.length - done, at === undefined ? null : at + done);
  }

  finish(): void {
    fs.fsyncSync(this.handle);
    fs.closeSync(this.handle);
    fs.renameSync(this.draft, this.file);
  }

  discard(): void {
    fs.closeSync(this.handle);
    fs.rmSync(this.draft);
  }
}

/** Takes away the drafts that killed processes have left in a folder. */
export function removeDrafts(folder: string): void {
  for (const name of fs.readdirSync(folder))
    if (name.endsWith('.part')) fs.rmSync(path.join(folder, name), { force: true });
}

/** The lines of a file between two places, or of the whole file, a piece of it in memory at a time. */
export function* linesOf(file: string, from = 0, to = Infinity): Generator<string> {
  const handle = fs.openSync(file, 'r');
  try {
    const piece = Buffer.alloc(1 << 16);
    let rest = Buffer.alloc(0);
    for (let at = from; at < to;) {
      const length = fs.readSync(handle, piece, 0, Math.min(piece.length, to - at), at);
      if (length === 0) break;
      at += length;
      rest = Buffer.concat([rest, piece.subarray(0, length)]);
      let start = 0;
      for (let end; (end = rest.indexOf(10, start)) >= 0; start = end + 1) yield rest.toString('utf8', start, end);
      rest = rest.subarray(start);
    }
  } finally {
    fs.closeSync(handle);
  }
}

export const viewOf = (array: Float32Array | Int32Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
