"""Small Python packages for a set-up without a network. usage: make-wheels.py FOLDER COUNT FILES"""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

folder, count, files = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
for i in range(count):
    name = f"convscope_kills_{i}"
    info = f"{name}-1.0.dist-info"
    contents = {f"{name}/__init__.py": f"parts = {files}\n"}
    contents |= {f"{name}/part{n}.py": f"value = {n}\n" * 50 for n in range(files)}
    contents[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: convscope\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

    def line(path: str, contents: dict = contents) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(contents[path].encode()).digest()).decode().rstrip("=")
        return f"{path},sha256={digest},{len(contents[path])}\n"

    contents[f"{info}/RECORD"] = "".join(map(line, contents)) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in contents.items():
            wheel.writestr(path, text)
