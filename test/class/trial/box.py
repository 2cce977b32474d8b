"""A machine inside the machine: systemd as process 1 over a copy-on-write view of this one, with nobody else's network.

Everything that happens in it, accounts and services included, is gone when it ends. For cgroup version 1 or 2.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

NAMESPACES = ["--mount", "--pid", "--uts", "--ipc", "--net", "--cgroup"]
CGROUPS = Path("/sys/fs/cgroup")
# systemd makes a group of cpu only where it can make one of cpuacct too.
CONTROLLERS = ["systemd", "memory", "cpu", "cpuacct", "pids"]
TARGET = """[Unit]
Requires=basic.target
Wants=dbus.service systemd-user-sessions.service
After=basic.target
"""


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def own_cgroups(name):
    """The folders of this machine that the box will see as its roots."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / name]
    return [CGROUPS / controller / name for controller in CONTROLLERS]


def mount_cgroups(root):
    if (CGROUPS / "cgroup.controllers").exists():
        mount("-t", "cgroup2", "cgroup2", root / "sys/fs/cgroup")
        return
    mount("-t", "tmpfs", "tmpfs", root / "sys/fs/cgroup")
    for controller in CONTROLLERS:
        (root / "sys/fs/cgroup" / controller).mkdir()
        options = "none,name=systemd" if controller == "systemd" else controller
        mount("-t", "cgroup", "-o", options, "cgroup", root / "sys/fs/cgroup" / controller)


def mount_devices(root):
    mount("-t", "tmpfs", "tmpfs", root / "dev")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (root / "dev" / name).touch()
        mount("--bind", f"/dev/{name}", root / "dev" / name)
    for name in ("pts", "shm"):
        (root / "dev" / name).mkdir()
    mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", root / "dev/pts")
    (root / "dev/ptmx").symlink_to("pts/ptmx")
    (root / "dev/fd").symlink_to("/proc/self/fd")


def become_systemd(folder):
    """Runs inside the new namespaces, as process 1."""
    root = folder / "root"
    mount("--make-rprivate", "/")
    layers = f"lowerdir=/,upperdir={folder / 'up'},workdir={folder / 'work'}"
    mount("-t", "overlay", "-o", layers, "overlay", root)
    mount("-t", "proc", "proc", root / "proc")
    mount("-t", "sysfs", "-o", "ro", "sysfs", root / "sys")
    mount_cgroups(root)
    mount_devices(root)
    for name in ("run", "tmp"):
        mount("-t", "tmpfs", "tmpfs", root / name)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    (root / "etc/systemd/system/box.target").write_text(TARGET)
    os.chroot(root)
    os.chdir("/")
    environment = {"container": "other", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    os.execve("/lib/systemd/systemd", ["systemd", "--unit=box.target", "--show-status=no"], environment)


class Box:
    def __init__(self, folder):
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        for name in ("up", "work", "root"):
            (folder / name).mkdir(parents=True)
        self.cgroups = own_cgroups(f"convscope-box-{os.getpid()}")

    def enter_cgroups(self):
        for cgroup in self.cgroups:
            cgroup.mkdir(exist_ok=True)
            (cgroup / "cgroup.procs").write_text(str(os.getpid()))

    def start(self):
        words = ["unshare", *NAMESPACES, "--fork", "--kill-child", sys.executable, "-B", __file__, str(self.folder)]
        log = open(self.folder / "boot.log", "w")
        self.outer = subprocess.Popen(words, preexec_fn=self.enter_cgroups, stdout=log, stderr=log)
        for _ in range(300):
            time.sleep(0.2)
            children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
            if children and self.run("systemctl", "is-active", "--quiet", "box.target", pid=children[0]).returncode == 0:
                self.pid = children[0]
                return
        raise SystemExit(f"systemd 没有启动，见 {self.folder / 'boot.log'}")

    def run(self, *words, pid=None, **more):
        """A command inside, with its output."""
        target = ["--target", pid or self.pid]
        enter = ["nsenter", *target, *NAMESPACES, "chroot", str(self.folder / "root")]
        return subprocess.run([*enter, *map(str, words)], capture_output=True, text=True, **more)

    def remove_cgroups(self):
        """Whether nobody was left in them."""
        try:
            for cgroup in self.cgroups:
                for folder, _, _ in os.walk(cgroup, topdown=False):
                    os.rmdir(folder)
        except OSError:
            return False
        return True

    def stop(self):
        self.outer.kill()
        self.outer.wait()
        # its processes die with it, but not at once on a busy machine
        end = time.monotonic() + 60
        while not self.remove_cgroups() and time.monotonic() < end:
            time.sleep(0.5)
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    become_systemd(Path(sys.argv[1]))
