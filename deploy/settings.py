"""Gives a Python environment what students' servers take from it: the kernel, Chinese menus, quiet defaults.

usage: settings.py PREFIX     (by hand for an image; prepare.py calls it for a server)
"""

import json
import subprocess
import sys
from pathlib import Path

from paths import ROOT

# What `npm start` gives one reader, and what a class adds to it.
COMMON = json.loads((ROOT / "scripts" / "start" / "lab.json").read_text(encoding="utf-8"))
SERVER = {
    **COMMON["server"],
    # A kernel holds a network in memory: one that nobody has used for an hour is ended, the notebook stays.
    # How often that is looked at: an hour and five minutes are as good as an hour.
    "MappingKernelManager": {"cull_idle_timeout": 3600, "cull_interval": 300, "cull_connected": True},
}
LAB = {
    **COMMON["lab"],
    # What is lost when a server dies is what was not saved: twenty seconds, not two minutes.
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 20},
}


def write_json(file, value):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def write_settings(prefix):
    prefix = Path(prefix)
    write_json(prefix / "etc" / "jupyter" / "jupyter_server_config.json", SERVER)
    write_json(prefix / "share" / "jupyter" / "lab" / "settings" / "overrides.json", LAB)
    for script in ("kernel/kernelspec.mjs", "scripts/html/install.mjs"):
        subprocess.run(["node", str(ROOT / script), str(prefix)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    write_settings(sys.argv[1])
