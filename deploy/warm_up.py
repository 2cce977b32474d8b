"""Runs one cell that imports the course's library, so that what the kernel compiles lies ready in the cache."""

import os

import nbformat
from nbclient import NotebookClient

CELL = "import { startBackend } from '../lib/index';\nawait startBackend()"
# The kernel saves what it has compiled half a second after the last file.
PAUSE = "await new Promise((resolve) => setTimeout(resolve, 1500))"

# Every kernel looks into the course's own cache, whatever its own is.
os.environ.pop("CONVSCOPE_CACHE", None)
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL), nbformat.v4.new_code_cell(PAUSE)])
# The build of an image may stand on a busy machine; on an idle one the two cells take seconds.
NotebookClient(notebook, kernel_name="convscope", timeout=300, startup_timeout=120).execute()
