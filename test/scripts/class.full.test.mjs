/**
 * The short form of `npm run class:try` (two students, real hub and proxy), and what SystemdSpawner would ask of a
 * systemd that is not here. A class that was prepared before is left as it is: students may be working in it.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot } from '../../scripts/setup/paths.mjs';
import { run } from '../../scripts/setup/run.mjs';

const folder = process.env.CONVSCOPE_CLASS || inRoot('.cache', 'class');
const environment = path.join(folder, 'venv');

// Made late: a preparation that was broken off goes on.
const unprepared = fs.existsSync(path.join(folder, 'state', 'proxy-token')) ? undefined : await prepare();
if (unprepared) console.log(`SKIP a class on JupyterHub: it could not be prepared here (${unprepared})`);
const inClass = unprepared ? test.skip : test;

/** Undefined when it could be done, otherwise what is missing here: a newer Python, the network. The rest is a fault. */
async function prepare() {
  if (process.platform === 'win32') return 'JupyterHub does not run on Windows';
  const program = inRoot('deploy', 'prepare.py');
  const { code, output } = await run('python3', [program], { check: false, limitSeconds: 600 });
  if (code === 0) return undefined;
  const why = output.trim().split('\n').at(-1);
  if (/'pip', 'install'|'npm', 'ci'|需要每个账户/.test(why)) return why;
  throw new Error(output);
}

inClass('two students log in, work, and lose nothing when the hub restarts and a server is killed', async () => {
  const args = [inRoot('test', 'class', 'try_class.py'), '--short'];
  const { code, output } = await run(`${environment}/bin/python`, args, { check: false, limitSeconds: 800 });
  assert.is(code, 0, output.trim().split('\n').slice(-12).join('\n'));
  assert.match(output, '全部通过');
});

/** The configuration as on a machine with systemd; what the real spawner would hand over is printed instead. */
const ASK = `
import asyncio, json, os, pathlib, types
is_dir = pathlib.Path.is_dir
pathlib.Path.is_dir = lambda path: str(path) == "/run/systemd/system" or is_dir(path)
from systemdspawner import SystemdSpawner, systemd
from traitlets.config import Config
c, name = Config(), os.path.abspath("jupyterhub_config.py")
exec(compile(open(name, encoding="utf-8").read(), name, "exec"), {"get_config": lambda: c, "__file__": name})
async def no(unit):
    return False
async def tell(unit, **given):
    print(json.dumps({"spawner": c.JupyterHub.spawner_class, "unit": unit, **given}))
systemd.service_running, systemd.service_failed, systemd.start_transient_service = no, no, tell
class Spawner(SystemdSpawner):
    get_env, get_args = lambda self: {}, lambda self: []
    async def poll(self):
        return None
user = types.SimpleNamespace(name="root", id=1, settings={}, url="/", server=None)
asyncio.run(Spawner(config=c, user=user, orm_spawner=None, hub=None).start())`;

inClass('with systemd, a student’s server is limited, may not write to the course and cannot become root', async () => {
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-class-'));
  fs.mkdirSync(path.join(base, 'state'));
  fs.writeFileSync(path.join(base, 'state', 'proxy-token'), 'CONFIGPROXY_AUTH_TOKEN=abc\n');
  const env = { CONVSCOPE_CLASS: base, PYTHONUTF8: '1' };
  const { stdout } = await run(`${environment}/bin/python`, ['-B', '-c', ASK], { cwd: inRoot('deploy'), env });
  fs.rmSync(base, { recursive: true });
  const { spawner, unit, properties } = JSON.parse(stdout);
  assert.equal([spawner, unit], ['systemd', 'jupyter-root-singleuser']);
  const { MemoryMax, CPUQuota, ReadOnlyDirectories, NoNewPrivileges, PrivateTmp } = properties;
  assert.equal([MemoryMax, CPUQuota], [2 * 1024 ** 3, '200%']);
  assert.equal([properties.MemoryAccounting, properties.CPUAccounting], ['yes', 'yes']);
  assert.equal([ReadOnlyDirectories, NoNewPrivileges, PrivateTmp], [[inRoot()], 'yes', 'yes']);
});

test.run();
