"""Does what the Dockerfile says in an empty Debian instead of in Docker: `sudo npm run class:image`.

The base image is played by `debootstrap` with this machine's Node; everything after FROM is done as it stands, each RUN
in a chroot with a bare environment. Then the notebook 01 runs in the result, as the image's user. Needs root, Linux,
the package debootstrap, and 6 GB; the weights come from CONVSCOPE_MODELS, if it is set, as a school's mirror would
serve them. Writes bench/results/image.json.
"""

import copy
import functools
import http.server
import json
import os
import platform
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import deployed  # noqa: F401
from dockerfile import parse
from paths import CLASS, ROOT

FOLDER = CLASS / "image"
RESULTS = ROOT / "bench" / "results" / "image.json"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PLAIN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}


def sh(*words, **more):
    return subprocess.run([str(word) for word in words], check=True, **more)


def base_image(folder):
    """Debian 12 with Node in /usr/local and the user `node`, as in the official image."""
    sh("debootstrap", "--variant=minbase", "bookworm", folder, stdout=subprocess.DEVNULL)
    node = Path(shutil.which("node")).resolve()
    npm = Path(shutil.which("npm")).resolve().parent.parent
    shutil.copy(node, folder / "usr/local/bin/node")
    shutil.copytree(npm, folder / "usr/local/lib/node_modules/npm", symlinks=True)
    (folder / "usr/local/bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
    sh("chroot", folder, "useradd", "--create-home", "--uid", "1000", "--shell", "/bin/bash", "node")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    if CERTIFICATES.exists():
        shutil.copy(CERTIFICATES, folder / "etc/this-network.crt")


def network_environment():
    """What this machine's network asks of every program, as a build behind a school's proxy would be given it."""
    names = ["NODE_EXTRA_CA_CERTS", "NPM_CONFIG_CAFILE", "PIP_CERT", "SSL_CERT_FILE"]
    proxies = {name: os.environ[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") if name in os.environ}
    return {**proxies, **(dict.fromkeys(names, "/etc/this-network.crt") if CERTIFICATES.exists() else {})}


class Mirror(http.server.SimpleHTTPRequestHandler):
    """Serves the weights side by side under their names, as CONVSCOPE_MODEL_URL wants them."""

    other_names = {"compressed_SqueezeNet.net": "SqueezeNet-v1.0.net"}

    def translate_path(self, path):
        name = path.rsplit("/", 1)[1]
        if name.startswith("bvlc_googlenet."):  # the cache is flat, the folder is as its repository
            name = name.removeprefix("bvlc_googlenet.").replace(".", "/", 1)
        found = [p for n in (name, self.other_names.get(name, name)) for p in Path(self.directory).rglob(n)]
        return str(found[0]) if found else "/nowhere"

    def log_message(self, *_):
        pass


def serve(folder):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Mirror, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


class Build:
    def __init__(self, arguments):
        self.arguments = arguments
        self.stages, self.states, self.steps = {}, {}, []
        self.ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]

    def run(self, instructions):
        for one in instructions:
            start = time.monotonic()
            getattr(self, f"do_{one.word.lower()}")(one)
            if one.word in ("RUN", "COPY"):
                self.measure(one, time.monotonic() - start)
        return self.folder

    def measure(self, one, seconds):
        size = int(sh("du", "-smx", self.folder, stdout=subprocess.PIPE, text=True).stdout.split()[0])
        step = {"line": one.line, "step": f"{one.word} {one.text}"[:70], "seconds": round(seconds, 1)}
        self.steps.append({**step, "layer_mb": size - self.size})
        print(f"{step['seconds']:7.1f} s {size - self.size:+6d} MB  {step['step']}", flush=True)
        self.size = size

    def do_from(self, one):
        source, name = one.stage()
        self.folder = FOLDER / (name or "final")
        if source in self.stages:
            sh("cp", "-a", self.stages[source], self.folder)
            self.state = copy.deepcopy(self.states[source])
        else:
            base_image(self.folder)
            self.state = {"env": dict(PLAIN), "user": "0", "place": "/", "shell": ["/bin/sh", "-c"]}
        self.stages[name], self.states[name] = self.folder, self.state
        self.size = int(sh("du", "-smx", self.folder, stdout=subprocess.PIPE, text=True).stdout.split()[0])

    def do_shell(self, one):
        self.state["shell"] = one.words()

    def do_arg(self, one):
        self.state["env"].update({name: self.arguments.get(name, value) for name, value in one.pairs()})

    def do_env(self, one):
        for name, value in one.pairs():
            self.state["env"][name] = value.replace("$PATH", self.state["env"]["PATH"])

    def do_workdir(self, one):
        self.state["place"] = one.text
        (self.folder / one.text.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def do_user(self, one):
        self.state["user"] = one.text

    def do_expose(self, one):
        """Only a note for people."""

    def do_cmd(self, one):
        """What the container starts; the checks start something shorter."""

    def in_context(self, name):
        """Whether .dockerignore lets a top-level name into the build; our file forbids all and names exceptions."""
        return f"!{name.split('/')[0]}" in self.ignored

    def do_copy(self, one):
        sources, target, stage = one.sources()
        to = self.folder / (target if target.startswith("/") else f"{self.state['place']}/{target}").lstrip("/")
        for name in sources:
            source = self.stages[stage] / name.lstrip("/") if stage else ROOT / name
            if not stage and not self.in_context(name):
                raise SystemExit(f"Dockerfile 第 {one.line} 行：.dockerignore 不让 {name} 进入构建")
            if source.is_dir():
                skip = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
                shutil.copytree(source, to, symlinks=True, dirs_exist_ok=True, ignore=skip)
            else:
                into = to / source.name if target.endswith("/") else to
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, into)

    def do_run(self, one):
        self.execute([*self.state["shell"], one.text])

    def execute(self, words):
        """In the chroot, with /proc and /dev that vanish with the command."""
        user, place = self.state["user"], self.state["place"]
        env = [f"{name}={value}" for name, value in {**self.state["env"], **network_environment()}.items()]
        mount = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$@"'
        inside = ["env", "-i", *env, "/bin/sh", "-c", 'cd "$0" && exec "$@"', place, *words]
        chroot = [f"--userspec={user}:{user}", self.folder, *inside]
        sh("unshare", "--mount", "--pid", "--fork", "sh", "-c", mount, self.folder, *chroot)


CHECKS = {
    "user": 'test "$(id -u)" = 1000',
    "course is read-only": "! find /srv/convscope -xdev -writable -not -type l | grep -q .",
    "kernel": "jupyter kernelspec list | grep -q convscope",
    "native backend": "ls /srv/convscope/.cache/native/*/ready.json",
    "notebooks pulled": "test -f convscope/01-filters.ipynb",
    "a second pull": "gitpuller file:///srv/convscope/notebooks.git main convscope",
    "programs of JupyterHub and Binder": "jupyterhub-singleuser --version && jupyter notebook --version",
    "no compiler left": "! command -v g++",
    "notebook 01 runs": "jupyter nbconvert --to notebook --execute --output ran.ipynb convscope/01-filters.ipynb",
    "on the real network": "! grep -q 改用随课程附带的 convscope/ran.ipynb",
}


def main():
    if os.getuid() != 0 or not shutil.which("debootstrap"):
        raise SystemExit("需要 root 和 debootstrap（sudo apt install debootstrap）")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    models = os.environ.get("CONVSCOPE_MODELS")
    build = Build({"CONVSCOPE_MODEL_URL": serve(models)} if models else {})
    build.run(parse((ROOT / "Dockerfile").read_text(encoding="utf-8")))
    passed = {}
    for name, command in CHECKS.items():
        start = time.monotonic()
        try:
            build.execute(["/bin/bash", "-c", command])
            passed[name] = round(time.monotonic() - start, 1)
        except subprocess.CalledProcessError:
            passed[name] = "failed"
        print(f"{name}: {passed[name]}", flush=True)
    facts = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": platform.machine(), "cores": os.cpu_count()}
    facts |= {"image_mb": build.size, "steps": build.steps, "checks": passed}
    RESULTS.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if "--keep" not in sys.argv:
        shutil.rmtree(FOLDER)
    return 1 if "failed" in passed.values() else 0


if __name__ == "__main__":
    sys.exit(main())
