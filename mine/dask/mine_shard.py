"""What a Dask worker runs: one Node process that scans shards; the partial result goes back as bytes.

The worker's machine has the course, its packages and weights (npm run setup), and sees the photos. Where they lie
elsewhere than on the client's machine, CONVSCOPE_HOME and CONVSCOPE_PHOTOS say so.
"""

import json
import os
import subprocess
import tempfile
import threading
from pathlib import Path

# As in mine/pool.ts: a worker is a core.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


class NodeWorker:
    """mine/worker.ts: JSON lines in, JSON lines out. It ends when we do, because its input ends then."""

    def __init__(self, home, settings):
        loader = Path(home, "node_modules", "tsx", "dist", "loader.mjs").as_uri()
        program = Path(home, "mine", "worker.ts")
        self.process = subprocess.Popen(
            ["node", "--import", loader, str(program), json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            env={**ONE_THREAD, **os.environ},
        )
        self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the Node process ended (exit {self.process.wait()})")
        answer = json.loads(line)
        if "failed" in answer:
            raise RuntimeError(answer["failed"])
        return answer

    def scan(self, shard, listed):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "partial")
            job = json.dumps({"id": shard, "listed": listed, "file": str(file)})
            self.process.stdin.write(job + "\n")
            self.process.stdin.flush()
            while "done" not in self._answer():
                pass
            return file.read_bytes()

    def end(self):
        self.process.kill()
        self.process.wait()


_current = None
_lock = threading.Lock()


def scan_shard(home, settings, shard, listed):
    """The partial result of one shard. An error leaves no half-broken process behind: Dask tries the shard again."""
    global _current
    home = os.environ.get("CONVSCOPE_HOME", home)
    settings = {**settings, "photos": os.environ.get("CONVSCOPE_PHOTOS", settings["photos"])}
    with _lock:
        try:
            if _current is None or _current[0] != settings:
                if _current:
                    _current[1].end()
                _current = settings, NodeWorker(home, settings)
            return _current[1].scan(shard, listed)
        except Exception:
            if _current:
                _current[1].end()
            _current = None
            raise
