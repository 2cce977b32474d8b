"""Publishes the course's notebooks as a small Git repository of their own, from which students pull.

usage: publish.py [COURSE [TARGET]]

The repository holds what the commits of the course say about notebooks/, nothing else: students get ten notebooks, not
the library. Its commits are made from the course's alone, with their dates, so that two machines (or two builds of an
image) publish the same history, and what a student pulled yesterday is an ancestor of today's.
"""

import os
import subprocess
import sys
from pathlib import Path

from paths import BRANCH, GIT_CONFIG, NOTEBOOKS, ROOT

# A notebook is merged as a whole: half of theirs and half of ours is no valid JSON.
ATTRIBUTES = "*.ipynb -merge\n"
FIELDS = ["%H", "%an", "%ae", "%aI", "%cn", "%ce", "%cI", "%s"]
NAMES = ["AUTHOR_NAME", "AUTHOR_EMAIL", "AUTHOR_DATE", "COMMITTER_NAME", "COMMITTER_EMAIL", "COMMITTER_DATE"]


def git(folder, *words, text=None, env=None):
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        input=text,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, **(env or {})},
    )
    if done.returncode != 0:
        raise SystemExit(f"git {words[0]}（{folder}）失败：{done.stderr.strip()}")
    return done.stdout.strip()


def published_tree(course, commit, attributes):
    listing = git(course, "ls-tree", f"{commit}:notebooks")
    return git(course, "mktree", text=f"{listing}\n100644 blob {attributes}\t.gitattributes\n")


def replay(course):
    """The newest commit of the published history, made anew from the course's; always the same for the same course."""
    attributes = git(course, "hash-object", "-w", "--stdin", text=ATTRIBUTES)
    form = "%x1f".join(FIELDS)
    log = git(course, "log", "--first-parent", "--reverse", f"--format={form}", "HEAD", "--", "notebooks")
    newest = None
    for line in filter(None, log.split("\n")):
        commit, *persons, subject = line.split("\x1f")
        tree = published_tree(course, commit, attributes)
        env = {f"GIT_{name}": value for name, value in zip(NAMES, persons)}
        parents = ["-p", newest] if newest else []
        newest = git(course, "commit-tree", tree, *parents, "-m", subject, env=env)
    if newest is None:
        raise SystemExit(f"{course} 里没有提交过的 notebooks 目录")
    return newest


def keeps_history(target, old, new):
    """Whether students who pulled `old` can go on to `new`."""
    words = ["git", "-C", str(target), "merge-base", "--is-ancestor", old, new]
    return subprocess.run(words, capture_output=True).returncode == 0


def publish(course, target):
    """Brings the students' repository up to the course's last commit; returns (old, new), old None the first time."""
    course, target = Path(course), Path(target)
    if not target.exists():
        git(course, "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(target))
    old = git(target, "for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}") or None
    new = replay(course)
    git(course, "push", "--quiet", "--force", str(target), f"{new}:refs/heads/next")
    if old and not keeps_history(target, old, new):
        # The course's own history was rewritten; the students' never is.
        tree = git(target, "rev-parse", f"{new}^{{tree}}")
        person = {f"GIT_{who}_{what}": "convscope" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        same = tree == git(target, "rev-parse", f"{old}^{{tree}}")
        new = old if same else git(target, "commit-tree", tree, "-p", old, "-m", "Update", env=person)
    git(target, "update-ref", f"refs/heads/{BRANCH}", new)
    git(target, "update-ref", "-d", "refs/heads/next")
    return old, new


def allow_reading(target, file):
    """Git refuses to read a repository that belongs to somebody else (the teacher) unless a system's file allows it."""
    file.write_text(f"[include]\n\tpath = /etc/gitconfig\n[safe]\n\tdirectory = {target}\n", encoding="utf-8")


def main(course=ROOT, target=NOTEBOOKS):
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    old, new = publish(course, target)
    if Path(target) == NOTEBOOKS:
        allow_reading(NOTEBOOKS, GIT_CONFIG)
    print("笔记本没有变化" if old == new else f"已发布 {new[:7]}：{target}")
    if (Path(course) / "notebooks").is_dir() and git(course, "status", "--porcelain", "--", "notebooks"):
        print("注意：notebooks/ 里有没有提交的改动，它们没有发布")


if __name__ == "__main__":
    main(*sys.argv[1:])
