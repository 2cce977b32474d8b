"""What must not be lost: the hub restarts, a server is killed, the course is updated, somebody writes where they must not."""

import asyncio
import json
import os
import signal
import time

import publish
from trial.hub import wait_for
from trial.memory import processes

COUNT = "let n = 0; for (let i = 0; i < {steps}; i++) {{ await new Promise((r) => setTimeout(r, 100)); n++; }} n"


def students_processes(hub, kinds):
    return {pid for pid, student, kind in processes(hub.ports[2]) if student and kind in kinds}


async def restart_hub(hub, students, number, kinds=("server",)):
    """Ends the hub (politely or not) and starts it again while students work.

    Students who go on to the next chapter end a kernel themselves: only where none does so, kernels are counted too.
    """
    before = await hub.running()
    pids = students_processes(hub, kinds)
    hub.kill(number)
    answering = 0
    for student in students:
        answering += (await student.get("status", check=False)).code == 200
    await asyncio.sleep(2)
    seconds = await hub.start()
    await wait_for(lambda: same(hub, before), 60, "重启后的 JupyterHub 不认得学生的服务器")
    after = students_processes(hub, kinds)
    return {
        "signal": signal.Signals(number).name,
        "servers": len(before),
        "answering_without_hub": answering,
        "hub_back_seconds": round(seconds, 1),
        "servers_known_again": len(await hub.running()),
        "processes_lost": len(pids - after),
    }


async def same(hub, names):
    return await hub.running() == names


async def hub_restarts_under_a_cell(hub, student, number):
    """A cell that runs for eight seconds, and the hub killed in its middle; then the same kernel goes on."""
    kernel = await student.open("00-overview.ipynb")
    await kernel.value("const kept = 41")
    running = asyncio.ensure_future(kernel.value(COUNT.format(steps=80)))
    await asyncio.sleep(1)
    result = await restart_hub(hub, [student], number, ("server", "kernel"))
    result["cell_finished"] = await running == "80"
    result["kernel_kept_its_state"] = await kernel.value("kept + 1") == "42"
    await kernel.shut_down()
    return result


async def stay_behind(pids, seconds=20):
    """How many of these processes do not end by themselves; a kernel that has lost its server notices after a moment."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and any(os.path.exists(f"/proc/{pid}") for pid in pids):
        await asyncio.sleep(0.2)
    return sum(os.path.exists(f"/proc/{pid}") for pid in pids)


async def server_is_killed(hub, student, others):
    """A student's server gets SIGKILL in the middle of a cell, after a save."""
    notebook = await student.read("04-occlusion.ipynb")
    notebook["cells"][0]["source"] = "# 我的笔记：已保存"
    await student.save("04-occlusion.ipynb", notebook)
    saved = await student.read("04-occlusion.ipynb")
    kernel = await student.open("04-occlusion.ipynb")
    running = asyncio.ensure_future(kernel.execute(COUNT.format(steps=600)))
    await asyncio.sleep(1)
    mine = [(pid, kind) for pid, name, kind in processes(hub.ports[2]) if name == student.name]
    start = time.monotonic()
    for pid, kind in mine:
        if kind == "server":
            os.kill(pid, signal.SIGKILL)
    lost = isinstance((await asyncio.gather(running, return_exceptions=True))[0], Exception)
    noticed = await wait_for(lambda: gone(hub, student), 60, "JupyterHub 没有发现服务器已经结束")
    left = await stay_behind([pid for pid, kind in mine if kind != "other"])
    respawn = await student.start_server()
    back = await student.read("04-occlusion.ipynb")
    return {
        "connection_closed": lost,
        "noticed_seconds": round(noticed, 1),
        "orphaned_processes": left,
        "respawn_seconds": round(respawn, 1),
        "back_after_seconds": round(time.monotonic() - start, 1),
        "saved_notebook_identical": back == saved,
        "outputs_kept": sum(len(cell.get("outputs", [])) for cell in back["cells"]),
        "others_untouched": all([(await other.get("status", check=False)).code == 200 for other in others]),
    }


async def gone(hub, student):
    return student.name not in await hub.running()


def change_course(course, marks):
    """The teacher changes and adds notebooks in a copy of the course and publishes it."""
    folder = course / "notebooks"
    for name, mark in marks.items():
        source = folder / name if (folder / name).exists() else folder / "00-overview.ipynb"
        notebook = json.loads(source.read_text(encoding="utf-8"))
        notebook["cells"][0]["source"] = [mark]
        (folder / name).write_text(json.dumps(notebook, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    publish.git(course, "add", "notebooks")
    person = ["-c", "user.name=teacher", "-c", "user.email=teacher@example.invalid"]
    publish.git(course, *person, "commit", "--quiet", "-m", "Update the notebooks")


async def course_is_updated(student, course, target):
    """An edited notebook stays, an untouched one is renewed, a new one comes; the old name gives the new version."""
    mine = await student.read("01-filters.ipynb")
    mine["cells"][0]["source"] = "# 我改过的第 01 章"
    await student.save("01-filters.ipynb", mine)
    mine = await student.read("01-filters.ipynb")
    mark = "# 教师更新过"
    change_course(course, {"00-overview.ipynb": mark, "01-filters.ipynb": mark, "10-extra.ipynb": mark})
    publish.publish(course, target)
    start = time.monotonic()
    phase = await student.pull(target, publish.BRANCH)
    seconds = time.monotonic() - start

    async def title(name):
        return "".join((await student.read(name))["cells"][0]["source"])

    result = {
        "pull": phase,
        "pull_seconds": round(seconds, 1),
        "edited_notebook_identical": await student.read("01-filters.ipynb") == mine,
        "untouched_notebook_renewed": await title("00-overview.ipynb") == mark,
        "new_notebook_arrived": await title("10-extra.ipynb") == mark,
    }
    await student.rename("01-filters.ipynb", "01-filters-mine.ipynb")
    await student.pull(target, publish.BRANCH)
    result["new_version_beside_mine"] = await title("01-filters.ipynb") == mark
    result["renamed_notebook_identical"] = await student.read("01-filters-mine.ipynb") == mine
    return result


WRITE = """const fs = require('fs');
function writable(p: string) {{ try {{ fs.accessSync(p, fs.constants.W_OK); return p; }} catch {{ return ''; }} }}
{paths}.filter(writable).length"""
READ = "(() => {{ try {{ return require('fs').readdirSync({path}).length; }} catch (e: any) {{ return e.code; }} }})()"


async def borders(student, other, root, models):
    """What a student's own code may touch: nothing of the course, nothing of the neighbour."""
    parts = ["lib/index.ts", "notebooks", "node_modules", "data/photos", "kernel/main.cjs", ".cache/native"]
    paths = [str(root / part) for part in parts] + [str(models)]
    kernel = await student.open("00-overview.ipynb")
    result = {
        "shared_paths": len(paths),
        "writable_shared_paths": int(await kernel.value(WRITE.format(paths=json.dumps(paths)))),
        "neighbours_home": await kernel.value(READ.format(path=json.dumps(str(other.hub.homes / other.name)))),
        "own_user_number": await kernel.value("process.getuid!()"),
    }
    await kernel.shut_down()
    return result
