"""Executes one notebook with the project's kernel and writes it with its outputs, whether a cell failed or not.

usage: execute.py INPUT OUTPUT FOLDER CELL_SECONDS
Prints one JSON line, with numbers per code cell, by its place among all cells:
{"seconds": on the clock, "processor": seconds of the kernel's processor time, "failure": text or null}
"""

import json
import sys
import time

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


def main(source, target, folder, cell_seconds):
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    clocks, seconds, processor, failure = {}, {}, {}, None

    def look():
        """The clock and the kernel's processor time, which tells how long a cell would take on an idle machine."""
        try:
            used = psutil.Process(client.km.provisioner.pid).cpu_times()
            return time.monotonic(), used.user + used.system
        except psutil.Error:
            return time.monotonic(), 0.0

    def on_start(cell, cell_index):
        clocks[cell_index] = look()

    def on_end(cell, cell_index, execute_reply):
        took = [now - then for now, then in zip(look(), clocks[cell_index])]
        seconds[cell_index], processor[cell_index] = round(took[0], 2), max(0.0, round(took[1], 2))

    client = NotebookClient(
        notebook,
        timeout=int(cell_seconds),
        # the first kernel of a fresh installation compiles the library: half a minute, more on a busy machine
        startup_timeout=120,
        kernel_name="convscope",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": folder}},
        on_cell_execute=on_start,
        on_cell_executed=on_end,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError, RuntimeError) as error:
        failure = f"{type(error).__name__}: {error}"
    nbformat.write(notebook, target)
    print(json.dumps({"seconds": seconds, "processor": processor, "failure": failure}))


main(*sys.argv[1:])
