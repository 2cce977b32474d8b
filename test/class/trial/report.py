"""What a trial has shown: which expectations failed, and the figures for bench/results/class.json and docs/class.md."""

import json
import os
import platform
import re
import statistics
import subprocess
import time
from importlib.metadata import version

from paths import ROOT

RESULTS = ROOT / "bench" / "results" / "class.json"
PAGE = ROOT / "docs" / "class.md"
BEGIN, END = "<!-- 实测：由 npm run class:try 写入 -->", "<!-- 实测完 -->"

# What every trial must find, whatever the machine.
EXPECTED = {
    "login": {"wrong_password_refused": True},
    "restart_in_lesson": {"processes_lost": 0},
    "hub_killed": {"processes_lost": 0, "cell_finished": True, "kernel_kept_its_state": True},
    "server_killed": {
        "connection_closed": True,
        "orphaned_processes": 0,
        "saved_notebook_identical": True,
        "others_untouched": True,
    },
    "update": {
        "pull": "finished",
        "edited_notebook_identical": True,
        "untouched_notebook_renewed": True,
        "new_notebook_arrived": True,
        "new_version_beside_mine": True,
        "renamed_notebook_identical": True,
    },
    "idle": {
        "processes_left": 0,
        "busy_server_kept": True,
        "busy_cell_finished": True,
        "saved_notebook_identical": True,
    },
    "borders": {"writable_shared_paths": 0, "neighbours_home": "'EACCES'"},
}


def failures(facts):
    """Sentences about everything that was not as it must be."""
    wrong = list(facts["faults"])
    for part, wanted in EXPECTED.items():
        if part == "borders" and os.getuid() != 0:
            continue  # without root all students share one account
        wrong += [f"{part}.{k} = {facts[part][k]!r}，应为 {v!r}" for k, v in wanted.items() if facts[part][k] != v]
    if facts["login"]["logged_in"] != facts["login"]["students"]:
        wrong.append("不是每个学生都登录了")
    for part in ("restart_in_lesson", "hub_killed"):
        known, before = facts[part]["servers_known_again"], facts[part]["servers"]
        if known != before or before == 0:
            wrong.append(f"{part}：重启前 {before} 台服务器，重启后认得 {known} 台")
    return wrong


def memory_table(alone, together, sums):
    """MB per chapter: resident alone; in the class the proportional share, the own part, the resident sum."""
    chapters = sorted({chapter for _, chapter in together if chapter})
    rows = []
    for chapter in chapters:
        one = [peak for (_, label), peak in alone.items() if label == chapter]
        many = [peak for (_, label), peak in together.items() if label == chapter]
        rows.append(
            {
                "chapter": chapter,
                "alone_rss": round(max(p["rss"] for p in one)),
                "rss_median": round(statistics.median(p["rss"] for p in many)),
                "rss_largest": round(max(p["rss"] for p in many)),
                "pss_median": round(statistics.median(p["pss"] for p in many)),
                "pss_largest": round(max(p["pss"] for p in many)),
                "own_largest": round(max(p["own"] for p in many)),
                "server": round(max(p["server"] for p in many)),
                "kernel": round(max(p["kernel"] for p in many)),
            }
        )
    return {"chapters": rows, "class_pss_peak": round(sums["pss"]), "class_rss_peak": round(sums["rss"])}


def processor():
    try:
        found = re.search(r"model name\s*:\s*(.+)", open("/proc/cpuinfo", encoding="utf-8").read())
    except OSError:
        found = None
    return found.group(1) if found else platform.machine()


def machine():
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory),
        "node": node,
        "python": platform.python_version(),
        "jupyterhub": version("jupyterhub"),
        "jupyterlab": version("jupyterlab"),
        "nbgitpuller": version("nbgitpuller"),
        "commit": commit.stdout.strip(),
        "students_have_accounts_of_their_own": os.getuid() == 0,
    }


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def page(facts, where):
    """The measured part of docs/class.md."""
    times = [
        [
            r["chapter"],
            r["cells"],
            r["alone"],
            f"{r['class_median']}（最慢的学生 {r['class_slowest_student']}）",
            f"{r['alone_slowest_cell']:.1f} → {r['class_slowest_cell']:.1f}",
            f"{r['cell_ratio_median']}（最大 {r['cell_ratio_largest']}）",
            f"{r['processor_alone']} → {r['processor_class']}",
        ]
        for r in facts["times"]
    ]
    memory = [
        [r["chapter"], r["alone_rss"], r["rss_largest"], r["pss_median"], r["own_largest"], r["server"], r["kernel"]]
        for r in facts["memory"]["chapters"]
    ]
    parts = ("restart_in_lesson", "hub_killed", "server_killed", "update", "idle")
    lesson, killed, server, update, idle = (facts[k] for k in parts)
    students = facts["login"]["students"]
    cells = f"的前 {facts['cells']} 个单元格" if facts["cells"] else "的全部单元格"
    starts = facts["server_class_seconds"]
    return f"""{where["date"]}，{where["processor"]}，{where["cores"]} 核，{where["memory_gb"]} GB；Node {where["node"]}，Python {where["python"]}，JupyterHub {where["jupyterhub"]}，JupyterLab {where["jupyterlab"]}，提交 {where["commit"]}；开始前一分钟的负载 {facts["load_before"]}。{students} 个学生各自的账户，每人运行第 01、04、05 章中的 {facts["chapters_each"]} 章{cells}，第一章各不相同；{facts["notebooks_run"]} 次运行，{len(facts["faults"])} 处出错。全班 {facts["class_seconds"]:.0f} 秒。

时间（秒，一本笔记本{cells}；"倍数"是独自运行时超过 0.2 秒的单元格在全班同时运行时的倍数，中位数）：

{table(["章", "单元格", "独自", f"{students} 人同时，中位数", "最慢的一格，独自 → 全班", "倍数", "处理器秒，独自 → 全班"], times)}

内存（MB，一个学生的服务器加内核，峰值；"独有"是不与别人共享的部分）：

{table(["章", "独自，RSS", "全班，RSS 最大", "全班，PSS 中位数", "全班，独有最大", "其中服务器 RSS", "其中内核 RSS"], memory)}

全班 {students} 人的 PSS 之和最高 {facts["memory"]["class_pss_peak"] / 1000:.1f} GB（RSS 之和 {facts["memory"]["class_rss_peak"] / 1000:.1f} GB，重复计算了共享的 TensorFlow 库与 Node）。

| 发生了什么 | 结果 |
| --- | --- |
| 启动 | JupyterHub {facts["hub_start_seconds"]} 秒；第一个学生的服务器（含取得笔记本）{facts["server_alone_seconds"]} 秒；其余 {len(starts)} 个同时启动，最慢 {max(starts)} 秒 |
| 上课时重启 JupyterHub（{lesson["signal"]}） | 它不在时 {lesson["servers"]} 台服务器中 {lesson["answering_without_hub"]} 台照常回答；{lesson["hub_back_seconds"]} 秒后回来，认得全部 {lesson["servers_known_again"]} 台；丢失 {lesson["processes_lost"]} 台，没有一个单元格出错 |
| JupyterHub 被强行结束（{killed["signal"]}），一个单元格正在运行 | 单元格算完，内核里的变量还在；{killed["hub_back_seconds"]} 秒后回来 |
| 一个学生的服务器被强行结束（SIGKILL） | 保存过的笔记本逐字节不变，{server["outputs_kept"]} 个输出都在；内核随之结束（留下 {server["orphaned_processes"]} 个进程），变量与没有保存的改动丢失；{server["noticed_seconds"]} 秒后 JupyterHub 发现，重新启动 {server["respawn_seconds"]} 秒；其他学生不受影响 |
| 课程更新 | {update["pull_seconds"]} 秒；改过的笔记本不变，没改过的更新，新的一本出现；改名以后得到新版，自己的那本不变 |
| 没有人用的服务器（试验里 {idle["idle_seconds"]} 秒，真正的课上两小时） | {idle["culled_after_seconds"]} 秒后结束，留下 {idle["processes_left"]} 个进程；正在用的那台不受影响；保存过的笔记本逐字节不变，{idle["outputs_kept"]} 个输出都在，重新启动 {idle["respawn_seconds"]} 秒 |
| 越界 | 学生的代码能写的共享文件：{facts["borders"]["shared_paths"]} 处中 {facts["borders"]["writable_shared_paths"]} 处；邻座的目录：{facts["borders"]["neighbours_home"]} |
"""


def write(facts):
    where = machine()
    RESULTS.write_text(json.dumps({"machine": where, **facts}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n\n{page(facts, where)}\n{END}{after}", encoding="utf-8")
    prettier = ROOT / "node_modules" / "prettier" / "bin" / "prettier.cjs"
    subprocess.run(["node", str(prettier), "--write", "--log-level=warn", str(PAGE)], check=True)
