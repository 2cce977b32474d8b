"""Somebody has gone home without a word: their server ends by itself, and what they had saved is there the next day."""

import asyncio
import json
import time

from trial.hub import wait_for
from trial.memory import processes
from trial.mishaps import stay_behind


async def stopped(hub, student):
    """Not only on its way out: the hub has nothing left to do for it."""
    user = json.loads((await hub.api(f"users/{student.name}")).body)
    return not user["servers"] and not user["pending"]


# Prints until a file appears: for as long as the trial takes, and a busy machine takes longer.
CHATTER = """const fs = require('fs');
for (let i = 0; !fs.existsSync('go-home.txt'); i++) { await new Promise((r) => setTimeout(r, 500)); console.log(i); }
'done'"""


async def idle_server_is_culled(hub, idle, busy):
    """The hub with a culler of little patience: the server of one who is away ends, the other's does not."""
    # on a slow machine the servers tell a hub that comes back later, too, who is there
    seconds = max(15, round(5 * hub.start_seconds))
    notebook = await idle.read("05-deconv.ipynb")
    notebook["cells"][0]["source"] = "# 下课前保存的"
    await idle.save("05-deconv.ipynb", notebook)
    saved = await idle.read("05-deconv.ipynb")
    start = time.monotonic()
    kernel = await busy.open("00-overview.ipynb")
    await kernel.value("'here'")  # a kernel that is still starting says nothing: it would be taken for somebody away
    working = asyncio.ensure_future(kernel.value(CHATTER))
    hub.kill()
    hub.env["TRIAL_IDLE_SECONDS"] = str(seconds)
    await hub.start()
    await wait_for(lambda: stopped(hub, idle), 120 + 4 * seconds, "空闲的服务器没有被结束")
    culled = time.monotonic() - start
    left = await stay_behind([pid for pid, name, _ in processes(hub.ports[2]) if name == idle.name])
    busy_kept = busy.name in await hub.running() and not working.done()
    del hub.env["TRIAL_IDLE_SECONDS"]
    hub.kill()
    await hub.start()
    respawn = await idle.start_server()
    back = await idle.read("05-deconv.ipynb")
    if busy_kept:
        await busy.write("go-home.txt", "")
    finished = busy_kept and await working == "'done'"
    result = {
        "idle_seconds": seconds,
        "culled_after_seconds": round(culled, 1),
        "processes_left": left,
        "busy_server_kept": busy_kept,
        "busy_cell_finished": finished,
        "saved_notebook_identical": back == saved,
        "outputs_kept": sum(len(cell.get("outputs", [])) for cell in back["cells"]),
        "respawn_seconds": round(respawn, 1),
    }
    await kernel.shut_down()
    return result
