"""Jupyter's own kernel manager: does it bring the kernel back after process.exit? Prints what happened as JSON."""

import asyncio
import json

from jupyter_client.ioloop import AsyncIOLoopKernelManager


async def ready(manager):
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=120)
    return client


async def run(client, code, started=None):
    """[status of the reply, text of the result]; `started` is called when the cell prints something."""
    text = []

    def output(message):
        if message["msg_type"] == "stream" and started:
            started()
        if message["msg_type"] == "execute_result":
            text.append(message["content"]["data"]["text/plain"])

    reply = await client.execute_interactive(code, timeout=120, output_hook=output)
    return [reply["content"]["status"], "".join(text)]


async def main():
    manager = AsyncIOLoopKernelManager(kernel_name="convscope")
    await manager.start_kernel()
    restarted = asyncio.Event()
    manager.add_restart_callback(restarted.set, "restart")
    client = await ready(manager)
    seen = {"before": await run(client, "const kept = 1; kept")}
    seen["exit"] = await run(client, "process.exit(0)")
    await asyncio.wait_for(restarted.wait(), 120)
    client.stop_channels()
    client = await ready(manager)
    seen["after"] = await run(client, "typeof (globalThis as any).kept")
    # Restart and interrupt as the buttons in JupyterLab do it.
    await manager.restart_kernel()
    client.stop_channels()
    client = await ready(manager)

    def interrupt():
        asyncio.ensure_future(manager.interrupt_kernel())

    seen["interrupted"] = await run(client, "await null; console.log('started'); while (true);", interrupt)
    client.stop_channels()
    await manager.shutdown_kernel()
    print(json.dumps(seen))


asyncio.run(main())
