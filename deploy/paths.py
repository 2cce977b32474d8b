"""Where the parts of a class lie. Everything is in one folder, .cache/class unless CONVSCOPE_CLASS says otherwise."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLASS = Path(os.environ.get("CONVSCOPE_CLASS") or ROOT / ".cache" / "class").resolve()

# Programs: the hub, its students' servers, the proxy.
ENVIRONMENT = CLASS / "venv"
PROXY = CLASS / "proxy"

# What the class is: its own bare repository, which students pull from, and the hub's database and secrets.
NOTEBOOKS = CLASS / "notebooks.git"
BRANCH = "main"
GIT_CONFIG = CLASS / "gitconfig"
STATE = CLASS / "state"

# A student's folder in their home.
STUDENT_FOLDER = "convscope"


def models():
    """The shared weights: the teacher's folder, or what set-up has fetched."""
    cache = os.environ.get("CONVSCOPE_CACHE") or ROOT / ".cache"
    return os.environ.get("CONVSCOPE_MODELS") or str(Path(cache).resolve() / "models")
