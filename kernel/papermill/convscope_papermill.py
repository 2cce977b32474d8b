"""How papermill writes parameters as TypeScript, and reads which ones a notebook takes.

papermill finds translators of its own languages only, but loads whatever a package calls an engine: ours is its own one,
and to be loaded is all that it is for.
"""

import json
import math
import re

from papermill.engines import NBClientEngine
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

#: `let rate: number = 0.5; // how fast`
ASSIGNMENT = re.compile(
    r"^(?:let|const|var)\s+([\w$]+)\s*(?::\s*([^=]+?))?\s*=(?!=)\s*(.+?)\s*;?\s*(?://\s*(.*))?$", re.MULTILINE
)


class TypeScript(Translator):
    @classmethod
    def translate(cls, val):
        if isinstance(val, float) and not math.isfinite(val):
            return "NaN" if math.isnan(val) else "Infinity" if val > 0 else "-Infinity"
        if isinstance(val, dict):
            return "{" + ", ".join(f"{json.dumps(str(k))}: {cls.translate(v)}" for k, v in val.items()) + "}"
        if isinstance(val, (list, tuple)):
            return "[" + ", ".join(map(cls.translate, val)) + "]"
        return json.dumps(val, ensure_ascii=False, default=str)

    @classmethod
    def comment(cls, cmt_str):
        return f"// {cmt_str}"

    @classmethod
    def assign(cls, name, str_val):
        return f"let {name} = {str_val};"

    @classmethod
    def inspect(cls, parameters_cell):
        found = ASSIGNMENT.findall(parameters_cell.source)
        return [Parameter(name, kind or "None", default, text) for name, kind, default, text in found]


class Engine(NBClientEngine):
    """papermill's own way to run a notebook."""


papermill_translators.register("typescript", TypeScript)
