"""A class on trial, on this machine alone: `npm run class:try` (--short: two students, four cells of one
chapter; --cells N: six students, the first N cells of each chapter).

Starts the real proxy and hub on loopback, lets six students run chapters 01, 04 and 05 at once beside one who was
alone before, and tries what can go wrong. Writes the figures to bench/results/class.json and into docs/class.md.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import deployed  # noqa: F401
import publish
from paths import CLASS, ENVIRONMENT, ROOT, models

if not (ENVIRONMENT / "convscope-done").exists():
    raise SystemExit("还没有准备：npm run class:prepare")
if sys.prefix != str(ENVIRONMENT):
    # tornado, with which the students speak, is in the class's own environment
    python = str(ENVIRONMENT / "bin" / "python")
    os.execv(python, [python, *sys.argv])

from trial import idle, lesson, mishaps, report  # noqa: E402
from trial.hub import Hub  # noqa: E402
from trial.memory import MemorySampler, end_all  # noqa: E402
from trial.student import Student  # noqa: E402

parser = argparse.ArgumentParser(prog="npm run class:try --", description="一个班的试验，只在本机（docs/class.md）")
parser.add_argument("--short", action="store_true", help="小样：两个学生，第 01 章的前四个单元格，什么也不写")
parser.add_argument("--cells", type=int, metavar="N", help="六个学生，每章只运行前 N 个单元格")
options = parser.parse_args()
SHORT = options.short


def weights_missing():
    """The titles of the networks whose weights the library does not find."""
    words = ["node", "--import", "tsx", str(ROOT / "scripts" / "setup" / "weights.ts"), "state"]
    environment = {**os.environ, "CONVSCOPE_MODELS": models()}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    # chapters 01, 04 and 05 use the first two
    return [network["title"] for network in json.loads(done.stdout)["state"][:2] if not network["present"]]


# Without them the chapters fall back on the embedded network, and the figures would be of that one.
if not SHORT and (missing := weights_missing()):
    raise SystemExit(f"没有找到权值：{'、'.join(missing)}。先 npm run setup，或用 CONVSCOPE_MODELS 指向有它们的文件夹")
CHAPTERS = ["01"] if SHORT else list(lesson.CHAPTERS)
CELLS = 4 if SHORT else options.cells
FOLDER = CLASS / ("trial-short" if SHORT else "trial")


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def lay_out():
    """An empty class folder, and a copy of the course that plays the teacher's."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "state").mkdir(parents=True)
    FOLDER.chmod(0o755)
    (FOLDER / "state" / "proxy-token").write_text(f"CONFIGPROXY_AUTH_TOKEN={os.urandom(16).hex()}\n")
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(FOLDER / "course")], check=True)
    publish.publish(FOLDER / "course", FOLDER / "notebooks.git")
    publish.allow_reading(FOLDER / "notebooks.git", FOLDER / "gitconfig")


async def come_in(students, hub):
    """Everybody logs in by the form; a wrong password does not."""
    refused = not await students[0].log_in("wrong")
    logged_in = [await student.log_in(hub.password) for student in students]
    for student in students:
        await student.take_token()
    return {"wrong_password_refused": refused, "logged_in": sum(logged_in), "students": len(students)}


async def work_with_restart(hub, students, sampler, count, cells, pause):
    """The whole class at work, the hub restarted `pause` seconds after the beginning."""
    work = asyncio.ensure_future(lesson.whole_class(students, sampler, count, CHAPTERS, cells))
    await asyncio.sleep(pause)
    restart = await mishaps.restart_hub(hub, students, signal.SIGTERM)
    results, seconds = await work
    return results, seconds, restart


async def trial(hub, students):
    facts = {"load_before": round(os.getloadavg()[0], 1), "cells": CELLS, "login": await come_in(students, hub)}
    sampler = MemorySampler(hub.ports[2])
    sampler.start()
    say("一个学生，独自")
    facts["server_alone_seconds"] = round(await students[0].start_server(), 1)
    alone = await lesson.run_chapters(students[0], CHAPTERS, sampler, CELLS)
    alone_peaks = dict(sampler.peaks)
    sampler.peaks.clear()
    say(f"{len(students)} 个学生，同时")
    starts = await asyncio.gather(*(student.start_server() for student in students[1:]))
    facts["server_class_seconds"] = [round(s, 1) for s in starts]
    count = facts["chapters_each"] = lesson.chapters_each(alone, len(students))
    together, seconds, restart = await work_with_restart(hub, students, sampler, count, CELLS, 5 if CELLS else 60)
    peaks, sums = sampler.finish()
    facts["restart_in_lesson"] = restart
    facts["class_seconds"] = round(seconds, 1)
    facts["faults"] = [fault for result in alone + together for fault in result["faults"]]
    facts["notebooks_run"] = len(alone) + len(together)
    facts["times"] = lesson.compare(alone, together)
    facts["memory"] = report.memory_table(alone_peaks, peaks, sums)
    print(json.dumps({"times": facts["times"], "memory": facts["memory"]}, ensure_ascii=False), flush=True)
    say("意外：JupyterHub 被杀掉")
    facts["hub_killed"] = await mishaps.hub_restarts_under_a_cell(hub, students[1], signal.SIGKILL)
    say("服务器被杀掉")
    facts["server_killed"] = await mishaps.server_is_killed(hub, students[1], students[:1])
    say("课程更新，越界")
    facts["update"] = await mishaps.course_is_updated(students[0], FOLDER / "course", FOLDER / "notebooks.git")
    facts["borders"] = await mishaps.borders(students[0], students[1], ROOT, models())
    say("没有人用的服务器")
    facts["idle"] = await idle.idle_server_is_culled(hub, students[0], students[1])
    facts["raw"] = {"alone": alone, "class": together}
    return facts


async def main():
    names = [f"student-{number}" for number in range(1, 3 if SHORT else 7)]
    lay_out()
    hub = Hub(FOLDER, names)
    try:
        hub.start_proxy()
        say("启动 JupyterHub")
        started = await hub.start()
        facts = await trial(hub, [Student(name, hub) for name in names])
        facts["hub_start_seconds"] = round(started, 1)
    finally:
        hub.stop()
        end_all(hub.ports[2])
    wrong = report.failures(facts)
    if not SHORT:
        report.write(facts)
    print(json.dumps({k: v for k, v in facts.items() if k != "raw"}, ensure_ascii=False, indent=2))
    say("全部通过" if not wrong else "没有通过：" + "；".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
