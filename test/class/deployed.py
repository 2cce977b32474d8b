"""What runs a class lies in deploy/; this folder only tries it. Importing this makes deploy/'s modules importable."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "deploy"))
