"""Reads a Dockerfile into instructions: just enough for ours (continued lines, comments, stages, no here-documents)."""

import json
import re
import shlex
from dataclasses import dataclass


@dataclass
class Instruction:
    word: str
    text: str
    line: int

    def sources(self):
        """COPY: what is copied, where to, and from which stage (None: from the build's context)."""
        parts = shlex.split(self.text)
        stage = next((part[len("--from=") :] for part in parts if part.startswith("--from=")), None)
        *sources, target = [part for part in parts if not part.startswith("--")]
        return sources, target, stage

    def pairs(self):
        """ENV and ARG: name and value."""
        return [tuple(part.split("=", 1)) if "=" in part else (part, "") for part in shlex.split(self.text)]

    def stage(self):
        """FROM: what it builds on, and its own name."""
        found = re.fullmatch(r"(\S+)(?:\s+AS\s+(\S+))?", self.text, re.IGNORECASE)
        return found.group(1), found.group(2)

    def words(self):
        return json.loads(self.text)


def parse(text):
    instructions, parts, start = [], [], 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not parts):
            continue
        start = start if parts else number
        parts.append(line.rstrip().removesuffix("\\").strip())
        if line.rstrip().endswith("\\"):
            continue
        word, rest = " ".join(part for part in parts if part).split(None, 1)
        instructions.append(Instruction(word.upper(), rest, start))
        parts = []
    return instructions
