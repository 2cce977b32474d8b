"""Executes one notebook with the project's kernel and writes it with its outputs, whether a cell failed or not.

usage: execute.py INPUT OUTPUT FOLDER CELL_SECONDS
Prints one JSON line: {"seconds": [per code cell], "failure": text or null}
"""

import json
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError


def main(source, target, folder, cell_seconds):
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    started, seconds, failure = {}, {}, None

    def on_start(cell, cell_index):
        started[cell_index] = time.monotonic()

    def on_end(cell, cell_index, execute_reply):
        seconds[cell_index] = round(time.monotonic() - started[cell_index], 2)

    client = NotebookClient(
        notebook,
        timeout=int(cell_seconds),
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
    print(json.dumps({"seconds": seconds, "failure": failure}))


main(*sys.argv[1:])
