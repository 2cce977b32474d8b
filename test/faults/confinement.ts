/** Ways to start a program in a poorer place. Each is a command to put before the program; it becomes that program. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { projectRoot } from '../../lib/base/paths';

export interface Place {
  readonly through: readonly string[];
  close(): void;
}

const shell = (script: string, ...words: string[]) => ['sh', '-c', `${script}; exec "$@"`, 'sh', ...words];
const works = (through: readonly string[]) => spawnSync(through[0], [...through.slice(1), 'true']).status === 0;

/** The course's folder on a read-only disk, for this program alone: a mount in a namespace of its own. */
export function readOnlyCourse(): Place | undefined {
  const root = projectRoot();
  const mount = `mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && cd "$1/$2" && shift 2`;
  const at = path.relative(root, process.cwd()).startsWith('..') ? '' : path.relative(root, process.cwd());
  const through = ['unshare', '-m', ...shell(mount, root, at)];
  return works(through) ? { through, close: () => undefined } : undefined;
}

/** Somebody who may read the course, and write none of it. */
export function nobody(): Place | undefined {
  const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const test = spawnSync(through[0], [...through.slice(1), 'test', '-r', projectRoot(), '-a', '!', '-w', projectRoot()]); // prettier-ignore
  return test.status === 0 ? { through, close: () => undefined } : undefined;
}

/** At most so many bytes of memory, as a container or a class server sets them (cgroups, the first version or the second). */
export function littleMemory(bytes: number): (Place & { peak(): number; killed(): number }) | undefined {
  const second = fs.existsSync('/sys/fs/cgroup/cgroup.controllers');
  const folder = path.join('/sys/fs/cgroup', second ? '' : 'memory', `convscope-${process.pid}-${bytes}`);
  const [limit, peak, events] = second
    ? ['memory.max', 'memory.peak', 'memory.events']
    : ['memory.limit_in_bytes', 'memory.max_usage_in_bytes', 'memory.oom_control'];
  try {
    fs.mkdirSync(folder);
    fs.writeFileSync(path.join(folder, limit), String(bytes));
    if (second) fs.writeFileSync(path.join(folder, 'memory.swap.max'), '0');
  } catch {
    fs.rmSync(folder, { force: true, recursive: true });
    return undefined;
  }
  const read = (name: string) => fs.readFileSync(path.join(folder, name), 'utf8');
  return {
    through: shell(`echo $$ >${folder}/cgroup.procs`),
    peak: () => Number(read(peak)),
    killed: () => Number(/oom_kill (\d+)/.exec(read(events))?.[1] ?? 0),
    close: () => fs.rmdirSync(folder),
  };
}
