"""Merges the subsets of a web font into ONE TrueType file, data/fonts/convscope-sans.ttf.

The npm packages cut Noto Sans SC into a hundred woff2 subsets for browsers; the canvas library of the course
matches a family to a single file. Needs PyPI's fonttools and brotli.

    python scripts/merge-font.py FOLDER_WITH_WOFF2_SUBSETS
"""

import glob
import os
import sys
import tempfile

from fontTools.merge import Merger
from fontTools.ttLib import TTFont

# Layout tables refer to glyphs of their own subset; plain text at one size needs none of them.
DROPPED = ["GPOS", "GSUB", "GDEF", "BASE", "vhea", "vmtx", "VORG", "STAT", "fvar", "gvar", "avar", "HVAR", "MVAR", "prep", "gasp"]


def order(path):
    """Latin first: where two subsets hold the same character, the first one wins."""
    name = os.path.basename(path)
    return (not name.startswith("noto-sans-sc-latin-400"), not name.startswith("noto-sans-sc"), name)


def main(folder):
    target = os.path.join(os.path.dirname(__file__), "..", "data", "fonts", "convscope-sans.ttf")
    with tempfile.TemporaryDirectory() as scratch:
        parts = []
        for path in sorted(glob.glob(os.path.join(folder, "*.woff2")), key=order):
            font = TTFont(path)
            font.flavor = None
            for table in DROPPED:
                if table in font:
                    del font[table]
            parts.append(os.path.join(scratch, os.path.basename(path) + ".ttf"))
            font.save(parts[-1])
        merged = Merger().merge(parts)
        for record in merged["name"].names:
            if record.nameID in (1, 3, 4, 6, 16):
                record.string = "ConvscopeSans" if record.nameID == 6 else "Convscope Sans"
        merged.save(target)
    print(f"{target}: {len(merged.getBestCmap())} characters, {os.path.getsize(target) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
