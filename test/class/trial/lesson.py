"""What students do in a lesson: open notebooks one after the other and run every cell."""

import asyncio
import os
import statistics
import time

from trial.memory import kernel_seconds
from trial.student import ConnectionLost

CHAPTERS = {"01": "01-filters.ipynb", "04": "04-occlusion.ipynb", "05": "05-deconv.ipynb"}
MOST_SECONDS = 540


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]


def pictures(notebook):
    """How many outputs have a picture."""
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    return sum("image/png" in o.get("data", {}) or "image/jpeg" in o.get("data", {}) for o in outputs)


async def run_notebook(student, chapter, sampler, cells=None):
    """Opens a notebook, runs its cells (or the first `cells`), saves it; returns what happened."""
    name = CHAPTERS[chapter]
    notebook = await student.read(name)
    expected = pictures(notebook)
    sampler.labels[student.name] = chapter
    start = time.monotonic()
    kernel = await student.open(name)
    opened = time.monotonic() - start
    seconds, faults = [], []
    for number, cell in enumerate(code_cells(notebook)[:cells], 1):
        cell["outputs"], spent = await kernel.execute("".join(cell["source"]))
        cell["execution_count"] = number
        seconds.append(round(spent, 3))
        faults += [f"{name}，第 {number} 格：{o['evalue']}" for o in cell["outputs"] if o["output_type"] == "error"]
    await student.save(name, notebook)
    got = pictures(notebook)
    if cells is None and got != expected:
        faults.append(f"{name}：{got} 张图，应为 {expected}")
    sampler.sample()
    processor = round(kernel_seconds(sampler.hub_port, student.name), 1)
    await kernel.shut_down()
    sampler.labels[student.name] = ""
    result = {"student": student.name, "chapter": chapter, "opened": round(opened, 2), "processor": processor}
    return {**result, "cells": seconds, "faults": faults}


async def run_chapters(student, chapters, sampler, cells=None):
    results = []
    for chapter in chapters:
        try:
            results.append(await run_notebook(student, chapter, sampler, cells))
        except (ConnectionLost, RuntimeError, OSError) as error:
            faults = [f"{student.name}，第 {chapter} 章：{type(error).__name__} {error}"]
            lost = {"student": student.name, "chapter": chapter, "opened": 0, "processor": 0, "cells": []}
            results.append({**lost, "faults": faults})
    return results


def chapters_each(alone, students):
    """All three chapters each, or as many (spread evenly over the class) as this machine does in nine minutes."""
    seconds = sum(sum(result["cells"]) for result in alone) * students / os.cpu_count()
    return max(1, min(len(alone), int(len(alone) * MOST_SECONDS / seconds)))


def rotated(index, count, chapters):
    """Not everybody reads the same chapter at once: each student begins with another one."""
    at = index % len(chapters)
    return (chapters[at:] + chapters[:at])[:count]


async def whole_class(students, sampler, count, chapters, cells=None):
    """All students at once, `count` chapters each; returns (the list of their results, seconds)."""
    start = time.monotonic()
    plans = [rotated(index, count, chapters) for index in range(len(students))]
    lists = await asyncio.gather(*(run_chapters(s, plan, sampler, cells) for s, plan in zip(students, plans)))
    return [result for one in lists for result in one], time.monotonic() - start


def compare(alone, together):
    """Per chapter: seconds alone, in the class (median, slowest student), cell by cell how many times as long."""
    rows = []
    for one in alone:
        many = [r for r in together if r["chapter"] == one["chapter"] and len(r["cells"]) == len(one["cells"])]
        if not many:
            continue
        totals = [sum(r["cells"]) for r in many]
        long = [i for i, spent in enumerate(one["cells"]) if spent >= 0.2]
        ratios = [r["cells"][i] / one["cells"][i] for r in many for i in long]
        rows.append(
            {
                "chapter": one["chapter"],
                "cells": len(one["cells"]),
                "alone": round(sum(one["cells"]), 1),
                "alone_slowest_cell": max(one["cells"]),
                "processor_alone": one["processor"],
                "processor_class": round(statistics.median(r["processor"] for r in many), 1),
                "class_median": round(statistics.median(totals), 1),
                "class_slowest_student": round(max(totals), 1),
                "class_slowest_cell": max(max(r["cells"]) for r in many),
                "cell_ratio_median": round(statistics.median(ratios), 2) if ratios else None,
                "cell_ratio_largest": round(max(ratios), 2) if ratios else None,
                "opened_alone": one["opened"],
                "opened_class": round(statistics.median(r["opened"] for r in many), 2),
            }
        )
    return rows
