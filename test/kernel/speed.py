"""The kernel beside stock tslab: `.venv/bin/python test/kernel/speed.py [REPEATS]` prints the table of docs/kernel.md.

Both kernels run at the same time and are asked in turn, so a busy machine is as busy for the one as for the other. Of all
repeats the quickest counts: whatever else runs can only add to it.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

root = pathlib.Path(__file__).resolve().parents[2]
specs = pathlib.Path(tempfile.mkdtemp())
tslab = specs / 'kernels' / 'tslab'
tslab.mkdir(parents=True)
main = root / 'node_modules' / 'tslab' / 'bin' / 'tslab'
argv = ['node', str(main), 'kernel', '--config-path={connection_file}']
(tslab / 'kernel.json').write_text(json.dumps({'argv': argv, 'display_name': 'tslab', 'language': 'typescript'}))
os.environ['JUPYTER_PATH'] = os.pathsep.join([str(root / '.venv' / 'share' / 'jupyter'), str(specs)])

from jupyter_client import KernelManager  # noqa: E402 - it reads the path when it is loaded

LOOP = 'for (let i = 0; i < 30_000_000; i++) s += i * 0.5;'
ROOTS = 'for (let i = 0; i < 30_000_000; i++) s += Math.sqrt(i);'
AWAITS = 'for (let i = 0; i < 300_000; i++) await 0;'
STAMP = 'const t = performance.now();'


class Kernel:
    def __init__(self, name):
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel(cwd=str(root / 'notebooks'), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=300)

    def run(self, code):
        """Milliseconds until the cell is idle, and what it printed."""
        start = time.perf_counter()
        sent = self.client.execute(code)
        text = ''
        while True:
            message = self.client.get_iopub_msg(timeout=900)
            if message['parent_header'].get('msg_id') != sent:
                continue
            kind, content = message['msg_type'], message['content']
            if kind == 'error':
                raise RuntimeError(content['evalue'])
            if kind == 'stream':
                text += content['text']
            if kind == 'status' and content['execution_state'] == 'idle':
                return 1000 * (time.perf_counter() - start), text

    def complete(self, code):
        start = time.perf_counter()
        self.client.complete(code, reply=True, timeout=900)
        return 1000 * (time.perf_counter() - start)

    def stop(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def row(what, values):
    print(f'| {what} | ' + ' | '.join(f'{value:.1f}' for value in values) + ' |', flush=True)


def quickest(repeats, kernels, ask):
    times = [[ask(kernel, i) for kernel in kernels] for i in range(repeats)]
    return [min(column) for column in zip(*times)]


def cell(kernel, code):
    return kernel.run(code)[0]


def inside(kernel, code):
    """What a cell measures itself."""
    return float(kernel.run(code)[1])


def timed(name, code):
    return f'const {name} = performance.now(); {code} console.log(performance.now() - {name})'


def main_program(repeats):
    kernels = [Kernel('convscope'), Kernel('tslab')]
    for kernel in kernels:
        kernel.run('let s = 0;')
    row('1 + i', quickest(repeats, kernels, lambda k, i: cell(k, f'1 + {i}')))
    row('completion', quickest(repeats, kernels, lambda k, i: k.complete('Math.ma')))
    few = max(3, repeats // 7)
    for what, loop in [('sum', LOOP), ('sum of roots', ROOTS)]:
        top = quickest(few, kernels, lambda k, i: inside(k, timed(f't{len(loop)}_{i}', f's = 0; {loop}')))  # noqa: B023
        within = f'console.log((() => {{ {STAMP} let s = 0; {loop} return performance.now() - t + 0 * s; }})());'
        row(f'{what} at the top level', top)
        row(f'{what} in a function', quickest(few, kernels, lambda k, i: inside(k, within)))  # noqa: B023
    awaits = quickest(few, kernels, lambda k, i: inside(k, timed(f'u{i}', AWAITS)))
    node = f'(async () => {{ {STAMP} {AWAITS} console.log(performance.now() - t); }})()'
    plain = min(float(subprocess.run(['node', '-e', node], capture_output=True, text=True).stdout) for _ in range(few))
    row('awaits', awaits)
    row('awaits, plain Node', [plain])
    for kernel in kernels:
        kernel.run("import * as lib from '../lib/index';")
    row('1 + i after lib', quickest(repeats, kernels, lambda k, i: cell(k, f'1 + {i}')))
    for kernel in kernels:
        kernel.stop()


if __name__ == '__main__':
    main_program(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
