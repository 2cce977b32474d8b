"""What the hub starts for a student, as that student: first the newest notebooks, then their server.

gitpuller never overwrites: a notebook that the student changed stays theirs, all others become the course's newest.
"""

import os
import subprocess
import sys
from pathlib import Path

from paths import BRANCH, NOTEBOOKS, STUDENT_FOLDER

# Half of what the hub waits for the whole start (start_timeout): the server comes in time without the pull, too.
PULL_SECONDS = 60
programs = Path(sys.executable).parent


def pull():
    words = ["gitpuller", f"file://{NOTEBOOKS}", BRANCH, STUDENT_FOLDER]
    try:
        subprocess.run([str(programs / words[0]), *words[1:]], cwd=Path.home(), check=True, timeout=PULL_SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        # A full disk or a repaired course must not keep anybody from their own work.
        print(f"课程的更新没有成功，用现有的笔记本：{error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    pull()
    # What a student's kernel keeps between two days is the student's own; weights are shared (CONVSCOPE_MODELS).
    os.environ["CONVSCOPE_CACHE"] = str(Path.home() / ".cache" / "convscope")
    server = str(programs / "jupyterhub-singleuser")
    os.execv(server, [server, *sys.argv[1:]])
