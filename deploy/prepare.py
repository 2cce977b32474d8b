"""Makes everything a class needs on this server, or brings it up to date: `npm run class:prepare`.

Afterwards only the two services are left to start (docs/class.md). Can be broken off and run again.
"""

import hashlib
import os
import secrets
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import publish
from paths import CLASS, ENVIRONMENT, PROXY, ROOT, STATE
from settings import write_settings

HERE = Path(__file__).resolve().parent
# Of the JupyterHub in requirements.txt; the course itself is content with 3.9.
MINIMUM = (3, 10)


def readable_by_all(program):
    """Students run it under their own accounts: a Python in somebody's closed home is of no use to them."""
    real = Path(program).resolve()
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [real, *real.parents])


def find_python():
    base = getattr(sys, "_base_executable", None) or sys.executable
    for program in (base, "/usr/bin/python3"):
        if not Path(program).exists() or not readable_by_all(program):
            continue
        words = [program, "-c", "import sys; print(*sys.version_info[:2])"]
        version = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        if tuple(map(int, version)) >= MINIMUM:
            return program
    wanted = ".".join(map(str, MINIMUM))
    raise SystemExit(f"需要每个账户都能运行的 Python {wanted} 或更新的版本：sudo apt install python3 python3-venv")


def fingerprint(*files):
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def once(folder, mark, work):
    """Does the work unless the folder was finished from the same files."""
    done = folder / "convscope-done"
    if done.exists() and done.read_text() == mark:
        return False
    work()
    done.write_text(mark)
    return True


def install_environment():
    requirements = [ROOT / "requirements.txt", HERE / "requirements.txt"]
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]

    def work():
        subprocess.run([find_python(), "-m", "venv", str(ENVIRONMENT)], check=True)
        subprocess.run([*pip, *(word for file in requirements for word in ("-r", str(file)))], check=True)

    return once(ENVIRONMENT, fingerprint(*requirements), work)


def install_proxy():
    files = [HERE / "package.json", HERE / "package-lock.json"]

    def work():
        PROXY.mkdir(parents=True, exist_ok=True)
        for file in [*files, ROOT / ".npmrc"]:
            shutil.copy(file, PROXY)
        subprocess.run(["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PROXY, check=True)

    return once(PROXY, fingerprint(*files), work)


def make_secret():
    """What hub and proxy know each other by, as a line for systemd's EnvironmentFile."""
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = STATE / "proxy-token"
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(f"CONFIGPROXY_AUTH_TOKEN={secrets.token_hex(32)}\n")


def warm_up():
    """Compiles the library once into the shared cache, so that no student's first cell has to."""
    words = [str(ENVIRONMENT / "bin" / "python"), str(HERE / "warm_up.py")]
    subprocess.run(words, check=True, cwd=ROOT / "notebooks")


def main():
    os.umask(0o022)
    CLASS.mkdir(parents=True, exist_ok=True)
    for text, step in [
        ("JupyterHub 与 JupyterLab（Python 环境，约 350 MB）", install_environment),
        ("代理 configurable-http-proxy", install_proxy),
        ("内核与界面的设置", lambda: write_settings(ENVIRONMENT)),
        ("学生的笔记本仓库", publish.main),
        ("口令", make_secret),
        ("预先编译课程的库", warm_up),
    ]:
        print(f"- {text}", flush=True)
        step()
    print(f"准备好了：{CLASS}。接着启动两个服务，见 docs/class.md")


if __name__ == "__main__":
    main()
