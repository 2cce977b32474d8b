"""Whose processes use how much memory, from /proc: a student's are those that the hub has marked with their name."""

import os
import signal
import threading
import time
from pathlib import Path

KINDS = {"kernel/main.cjs": "kernel", "jupyterhub-singleuser": "server"}


def environment(pid):
    try:
        parts = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    return dict(part.decode(errors="replace").split("=", 1) for part in parts if b"=" in part)


def kind_of(pid):
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "other"
    return next((kind for mark, kind in KINDS.items() if mark in line), "other")


def processes(hub_port):
    """The processes of all students of the hub at this port: [(pid, student, kind)]."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        env = environment(name)
        if f":{hub_port}/" in env.get("JUPYTERHUB_API_URL", ""):
            found.append((int(name), env.get("JUPYTERHUB_USER", ""), kind_of(name)))
    return found


def megabytes(pid):
    """(resident, proportional, own) in MB; proportional counts a shared page once among those who share it."""
    values = {"Rss": 0, "Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, amount, *_ = line.replace(":", " ").split()
            if name in values:
                values[name] = int(amount) / 1000
    except OSError:
        return 0, 0, 0
    return values["Rss"], values["Pss"], values["Private_Clean"] + values["Private_Dirty"]


def kernel_seconds(hub_port, student):
    """Seconds of processor time that the student's kernels have used: the same on a busy machine and an idle one."""
    total = 0
    for pid, name, kind in processes(hub_port):
        if name == student and kind == "kernel":
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


class MemorySampler(threading.Thread):
    """Every `period` seconds: the sums of each student's processes; keeps the peaks, also by a label of the moment."""

    def __init__(self, hub_port, period=2.0):
        super().__init__(daemon=True)
        self.hub_port, self.period = hub_port, period
        self.labels = {}
        self.peaks = {}
        self.together = {"rss": 0, "pss": 0}
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(self.period):
            self.sample()

    def sample(self):
        sums = {}
        for pid, student, kind in processes(self.hub_port):
            if not student:
                continue
            rss, pss, own = megabytes(pid)
            entry = sums.setdefault(student, {"rss": 0, "pss": 0, "own": 0, "kernel": 0, "server": 0})
            entry["rss"] += rss
            entry["pss"] += pss
            entry["own"] += own
            if kind in entry:
                entry[kind] += rss
        for student, entry in sums.items():
            key = (student, self.labels.get(student, ""))
            peak = self.peaks.setdefault(key, dict.fromkeys(entry, 0))
            for name, value in entry.items():
                peak[name] = max(peak[name], value)
        for name in self.together:
            self.together[name] = max(self.together[name], sum(entry[name] for entry in sums.values()))

    def finish(self):
        self.ended.set()
        self.join()
        return self.peaks, self.together


def end_all(hub_port):
    """Ends the students' servers and kernels that a trial leaves behind; each by its number."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid, _, _ in processes(hub_port):
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        time.sleep(1)
