"""Writes a .tar.gz or a .zip of files and folders.

usage: archive.py LIST ARCHIVE
LIST is a JSON file: {"entries": [[path here, name in the archive], ...], "without": [paths here]}
Prints lines of JSON on the way: {"done": bytes read, "bytes": bytes to read, "written": size so far}
"""

import json
import os
import stat
import sys
import tarfile
import time
import zipfile


def walk(source, name, without):
    """Every file and link under `source` with its name in the archive."""
    if source in without:
        return
    if os.path.isdir(source) and not os.path.islink(source):
        for child in sorted(os.listdir(source)):
            yield from walk(os.path.join(source, child), f"{name}/{child}", without)
    else:
        yield source, name


class Progress:
    def __init__(self, total, archive):
        self.total, self.archive, self.done, self.printed = total, archive, 0, 0.0

    def add(self, count, always=False):
        self.done += count
        if not always and time.monotonic() - self.printed < 0.5:
            return
        self.printed = time.monotonic()
        line = {"done": self.done, "bytes": self.total, "written": os.path.getsize(self.archive)}
        print(json.dumps(line), flush=True)


class Counted:
    """A file whose reading is counted."""

    def __init__(self, file, progress):
        self.file, self.progress = file, progress

    def read(self, size=-1):
        data = self.file.read(size)
        self.progress.add(len(data))
        return data


def anonymous(info):
    """Nobody's files: the names and numbers of the packer's account mean nothing elsewhere."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def write_tar(draft, files, progress):
    # stored on some file systems as hard links of a package cache: every file goes in as itself
    with tarfile.open(draft, "w:gz", compresslevel=6) as archive:
        for source, name in files:
            archive.inodes = {}
            info = anonymous(archive.gettarinfo(source, name))
            if info.isfile():
                with open(source, "rb") as file:
                    archive.addfile(info, Counted(file, progress))
            else:
                archive.addfile(info)


def write_zip(draft, files, progress):
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for source, name in files:
            if os.path.islink(source):
                continue  # node_modules/.bin: nothing of ours is started through it
            info = zipfile.ZipInfo.from_file(source, name, strict_timestamps=False)
            info.compress_type = zipfile.ZIP_DEFLATED
            with open(source, "rb") as file, archive.open(info, "w") as target:
                counted = Counted(file, progress)
                while data := counted.read(1 << 20):
                    target.write(data)


def main(list_file, archive):
    with open(list_file, encoding="utf-8") as file:
        plan = json.load(file)
    without = set(plan["without"])
    files = [found for source, name in plan["entries"] for found in walk(source, name, without)]
    sizes = (os.lstat(source) for source, _ in files)
    total = sum(info.st_size for info in sizes if stat.S_ISREG(info.st_mode))
    draft = f"{archive}.draft"
    try:
        with open(draft, "wb"):
            progress = Progress(total, draft)
        (write_zip if archive.endswith(".zip") else write_tar)(draft, files, progress)
        progress.add(0, always=True)
        os.replace(draft, archive)
    finally:
        if os.path.exists(draft):
            os.remove(draft)


main(*sys.argv[1:])
