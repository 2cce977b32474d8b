"""Takes out of TensorFlow's wheel what the native backend needs: two libraries and the headers of its C API.

usage: unpack-wheel.py WHEEL FOLDER
"""

import sys
import zipfile

LIBRARIES = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
INCLUDE = "tensorflow/include/"
HEADERS = ("tensorflow/c/", "tensorflow/core/platform/ctstring", "tsl/platform/ctstring", "xla/tsl/c/", "tsl/c/")

wheel, folder = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive:
    names = archive.namelist()
    missing = [name for name in LIBRARIES if name not in names]
    if missing:
        sys.exit(f"{wheel} has no {', '.join(missing)}")
    for name in names:
        if name in LIBRARIES or (name.startswith(INCLUDE) and name[len(INCLUDE) :].startswith(HEADERS)):
            archive.extract(name, folder)
