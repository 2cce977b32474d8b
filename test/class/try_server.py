"""The class's server as docs/class.md sets it up, tried in a box of its own: `sudo npm run class:server`.

Real systemd, the two services as they are, accounts with passwords (PAM), SystemdSpawner with its limits. One student
takes more memory than there is, another is held to half a processor. Needs root, Linux with systemd, 4 GB; writes
bench/results/class-server.json.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import deployed  # noqa: F401
from paths import CLASS, ENVIRONMENT, ROOT

RESULTS = ROOT / "bench" / "results" / "class-server.json"
STUDENTS = {"class-amy": "convscope", "class-bob": "convscope", "class-eve": "users"}
SERVICES = ["convscope-proxy", "convscope-hub"]

HOG = """const hog: Buffer[] = [];
for (let i = 0; i < 40; i++) { hog.push(Buffer.alloc(1e8, i + 1)); await new Promise((r) => setTimeout(r, 20)); }
hog.length"""
WRITE = "(() => {{ try {{ require('fs').writeFileSync({file}, ''); return ''; }} catch (e: any) {{ return e.code; }} }})()"
READ = "(() => {{ try {{ return require('fs').readdirSync({path}).length; }} catch (e: any) {{ return e.code; }} }})()"
SPIN = """(() => { const t = performance.now(), before = process.cpuUsage();
while (performance.now() - t < 4000);
const used = process.cpuUsage(before); return (used.user + used.system) / 1000 / (performance.now() - t); })()"""
WAIT = "let n = 0; for (let i = 0; i < 120; i++) { await new Promise((r) => setTimeout(r, 100)); n++; } n"

# What must come out, on every machine.
EXPECTED = {
    "outsider_refused": True,
    "wrong_password_refused": True,
    "memory_limit_mb": 2147,
    "cpu_quota": "2s",
    "cpu_slowed_down": True,
    "hog_ended": True,
    "hogs_server_answers": True,
    "hogs_kernel_was_replaced": "'undefined'",
    "hogs_new_kernel": "2",
    "neighbour_kept_its_state": "42",
    "write_to_course": "'EROFS'",
    "neighbours_home": "'EACCES'",
    "cell_finished_over_restart": "120",
    "state_after_restart": "42",
    "server_known_after_restart": True,
}


class Address:
    url = "http://127.0.0.1:8000"


def unit_property(student, name):
    """What systemd says about a student's server."""
    words = ["systemctl", "show", "--value", "-p", name, unit_of(student)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def unit_of(student):
    return f"jupyter-{student.name}-singleuser.service"


def throttled(student):
    """How often this machine has stopped the student's processes because their share was used up."""
    process = Path("/proc") / unit_property(student, "MainPID")
    groups = [line.split(":", 2) for line in (process / "cgroup").read_text().splitlines()]
    one = next((path for _, names, path in groups if "cpu" in names.split(",")), None)
    two = next(path for number, _, path in groups if number == "0")
    folder = Path(f"/sys/fs/cgroup/cpu{one}") if one else Path(f"/sys/fs/cgroup{two}")
    lines = (folder / "cpu.stat").read_text().splitlines()
    return int(dict(line.split() for line in lines)["nr_throttled"])


async def processors(student):
    """The quota of the configuration; and, because a small machine has no more than that, one of half a processor."""
    quota = unit_property(student, "CPUQuotaPerSecUSec")
    kernel = await student.open("00-overview.ipynb")
    before = float(await kernel.value(SPIN))
    subprocess.run(["systemctl", "set-property", "--runtime", unit_of(student), "CPUQuota=50%"], check=True)
    times = throttled(student)
    share = float(await kernel.value(SPIN))
    times = throttled(student) - times
    return {
        "cpu_quota": quota,
        "cpu_share_before": round(before, 2),
        "cpu_share_at_half": round(share, 2),
        "cpu_slowed_down": share < 0.55 and times > 0,
    }


async def memory(neighbour, student):
    """One student takes four gigabytes."""
    kept = await neighbour.open("00-overview.ipynb")
    await kept.value("const kept = 41")
    kernel = await student.open("00-overview.ipynb")
    write = await kernel.value(WRITE.format(file=json.dumps(str(ROOT / "lib" / "x.ts"))))
    home = await kernel.value(READ.format(path=json.dumps(f"/home/{neighbour.name}")))
    limit = unit_property(student, "MemoryMax")
    await kernel.value("(globalThis as any).before = 1")
    start = time.monotonic()
    ended = False
    try:
        await asyncio.wait_for(kernel.execute(HOG), 25)
    except Exception:  # the connection closes, or nothing comes any more
        ended = True
    # As a reloaded page would: to the same kernel, which the server has started again.
    again = await type(kernel)(student, kernel.id).connect()
    fresh = await student.open("01-filters.ipynb")
    return kept, {
        "write_to_course": write,
        "neighbours_home": home,
        "memory_limit_mb": int(limit) // 10**6,
        "hog_ended": ended,
        "hog_seconds": round(time.monotonic() - start, 1),
        "hogs_server_answers": (await student.get("status", check=False)).code == 200,
        "hogs_kernel_was_replaced": await again.value("String((globalThis as any).before)"),
        "hogs_new_kernel": await fresh.value("1 + 1"),
        "neighbour_kept_its_state": await kept.value("kept + 1"),
    }


async def restart(student, kernel):
    """systemctl restart in the middle of a cell."""
    from trial.hub import fetch, wait_for

    async def answers():
        return (await fetch(f"{Address.url}/hub/api/", check=False)).code == 200

    running = asyncio.ensure_future(kernel.value(WAIT))
    await asyncio.sleep(1)
    subprocess.run(["systemctl", "restart", "convscope-hub"], check=True)
    seconds = await wait_for(answers, 120, "JupyterHub 没有回来")
    return {
        "hub_back_seconds": round(seconds, 1),
        "cell_finished_over_restart": await running,
        "state_after_restart": await kernel.value("kept + 1"),
        "server_known_after_restart": await student.has_server(),
    }


async def inside():
    """The students, who are in the box too: only there the server can be reached."""
    from trial.student import Student

    amy, bob, eve = (Student(name, Address) for name in STUDENTS)
    facts = {
        "outsider_refused": not await eve.log_in(f"pw-{eve.name}"),
        "wrong_password_refused": not await amy.log_in("wrong"),
    }
    for student in (amy, bob):
        if not await student.log_in(f"pw-{student.name}"):
            raise SystemExit(f"{student.name} 没能登录")
        await student.take_token()
        facts[f"start_seconds_{student.name}"] = round(await student.start_server(), 1)
    facts["notebooks"] = len((await bob.read("01-filters.ipynb"))["cells"])
    kernel, facts_of_memory = await memory(bob, amy)
    return {**facts, **facts_of_memory, **await processors(amy), **await restart(bob, kernel)}


def set_up(box):
    """What docs/class.md tells the teacher to do, with this folder in place of /srv/convscope."""
    box.run("groupadd", "convscope", check=True)
    for name, group in STUDENTS.items():
        box.run("useradd", "--create-home", "--gid", group, "--shell", "/bin/sh", name, check=True)
        box.run("chmod", "700", f"/home/{name}", check=True)
        box.run("chpasswd", input=f"{name}:pw-{name}\n", check=True)
    for service in SERVICES:
        text = (ROOT / "deploy" / f"{service}.service").read_text().replace("/srv/convscope/.cache/class", str(CLASS))
        text = text.replace("/srv/convscope", str(ROOT))
        box.run("tee", f"/etc/systemd/system/{service}.service", input=text, check=True)
    box.run("systemctl", "daemon-reload", check=True)
    box.run("systemctl", "start", *SERVICES, check=True)


def main():
    from trial.box import Box

    if os.getuid() != 0 or not os.path.exists("/lib/systemd/systemd"):
        raise SystemExit("需要 root 和 systemd")
    box = Box(CLASS / "box")
    try:
        box.start()
        set_up(box)
        done = box.run(ENVIRONMENT / "bin" / "python", "-B", ROOT / "test" / "class" / "try_server.py", "--inside")
        if done.returncode != 0:
            raise SystemExit(done.stderr + box.run("journalctl", "-u", "convscope-hub", "-n", "20").stdout)
    finally:
        box.stop()
    facts = json.loads(done.stdout)
    wrong = [f"{k} = {facts[k]!r}，应为 {v!r}" for k, v in EXPECTED.items() if facts[k] != v]
    facts = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "cores": os.cpu_count(), **facts}
    RESULTS.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(facts, ensure_ascii=False, indent=1))
    print("全部通过" if not wrong else "没有通过：" + "；".join(wrong))
    return 1 if wrong else 0


async def wait_and_go():
    from trial.hub import fetch, wait_for

    async def answers():
        return (await fetch(f"{Address.url}/hub/api/", check=False)).code == 200

    await wait_for(answers, 120, "JupyterHub 没有启动")
    print(json.dumps(await inside(), ensure_ascii=False))


if __name__ == "__main__":
    if "--inside" in sys.argv:
        asyncio.run(wait_and_go())
    else:
        sys.exit(main())
