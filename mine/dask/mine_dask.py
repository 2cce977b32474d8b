"""npm run mine on many machines: Dask hands out the shards and collects the partial results (docs/many-photos.md).

Both ends are those of npm run mine: it lists the photos and cuts them into shards, and in the end it computes what
may still be missing and puts everything together. In between only the folder out/work fills up, a whole file at a
time, so this may be interrupted and started again like the other, or finished by it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from distributed import Client, LocalCluster, as_completed

import mine_shard

HOME = Path(__file__).resolve().parents[2]
# As in mine/pool.ts; a shard that fails so often is left to npm run mine, which finds the photo.
RETRIES = 3


def parse(words):
    parser = argparse.ArgumentParser(prog="npm run mine:dask --", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", required=True)
    parser.add_argument("--out", required=True)
    # The defaults are those of scripts/mine.mjs: the same command gives the same bytes here and there.
    parser.add_argument("--network", default="alexnet")
    parser.add_argument("--layer", default="pool5")
    parser.add_argument("--top", type=int, default=9)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--shard", type=int, default=256)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--scheduler", help="address of a running scheduler, tcp://HOST:8786")
    where.add_argument("--scheduler-file", help="file in which the scheduler has written its address")
    where.add_argument("--slurm", type=int, help="this many Slurm jobs, one worker each")
    where.add_argument("--local", type=int, help="this many workers on this machine")
    parser.add_argument("--slurm-option", action="append", default=[], help="line for the job, e.g. --partition=cpu")
    parser.add_argument("--walltime", default="04:00:00", help="of each Slurm job")
    options = parser.parse_args(words)
    # npm changes to the project's folder and says in INIT_CWD where the user was
    here = os.environ.get("INIT_CWD", os.getcwd())
    options.photos, options.out = (os.path.abspath(os.path.join(here, p)) for p in (options.photos, options.out))
    return options


def mine(options, *more):
    """npm run mine with the same options."""
    words = [
        word
        for name in ("photos", "out", "network", "layer", "top", "batch", "shard")
        for word in (f"--{name}", str(getattr(options, name)))
    ]
    code = subprocess.call(["node", str(HOME / "scripts" / "mine.mjs"), *words, *more])
    if code:
        sys.exit(code)


def connect(options):
    if options.scheduler_file:
        return Client(scheduler_file=options.scheduler_file)
    if options.scheduler:
        return Client(options.scheduler)
    if options.slurm:
        return slurm(options)
    cluster = LocalCluster(
        n_workers=options.local or 2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=None,
        local_directory=str(Path(options.out, "work", "dask")),
    )
    return Client(cluster)


def slurm(options):
    """One job per worker; a job that its time limit ends loses the shard it was at, which another job does again."""
    from dask_jobqueue import SLURMCluster

    cluster = SLURMCluster(
        cores=1,
        processes=1,
        memory="2GB",
        walltime=options.walltime,
        job_extra_directives=options.slurm_option,
        log_directory=str(Path(options.out, "work", "slurm")),
        scheduler_options={"dashboard_address": None},
    )
    cluster.scale(jobs=options.slurm)
    client = Client(cluster)
    client.wait_for_workers(1)
    return client


def listed(work, shard):
    with open(work / "list.jsonl", "rb") as file:
        file.seek(shard["from"])
        return [json.loads(line) for line in file.read(shard["to"] - shard["from"]).splitlines()]


def write_whole(file, content):
    draft = file.with_suffix(f".{os.getpid()}.part")
    draft.write_bytes(content)
    os.replace(draft, file)


class Progress:
    """A line every ten seconds."""

    def __init__(self, total):
        self.total, self.done, self.start, self.printed = total, 0, time.time(), 0.0

    def add(self, count):
        self.done += count
        if self.done < self.total and time.time() - self.printed < 10:
            return
        self.printed = time.time()
        rate = self.done / (self.printed - self.start)
        left = (self.total - self.done) / rate / 60
        line = f"{self.done} / {self.total} 张，每秒 {rate:.1f} 张，还需 {left:.1f} 分钟"
        print(line, file=sys.stderr, flush=True)


def scan_all(client, work, settings, shards):
    """A few shards per worker are on their way at any time: neither the list nor the results pile up in memory."""
    waiting = iter(shards)
    done = as_completed([])
    counts = {}
    progress = Progress(sum(shard["count"] for shard in shards))

    def send_more():
        ahead = 2 * max(1, sum(client.nthreads().values())) + 2
        while len(counts) < ahead and (shard := next(waiting, None)):
            arguments = (str(HOME), settings, shard["id"], listed(work, shard))
            key = f"{settings['work']}-{shard['id']}"
            future = client.submit(mine_shard.scan_shard, *arguments, key=key, pure=False, retries=RETRIES)
            counts[key] = shard
            done.add(future)

    send_more()
    for future in done:
        shard = counts.pop(future.key)
        if future.status == "finished":
            write_whole(work / f"{shard['id']:06d}.partial", future.result())
            progress.add(shard["count"])
        else:
            # npm run mine does this shard in the end, and finds the file at fault if there is one
            print(f"第 {shard['id']} 份没有算成，留到最后：{future.exception()}", file=sys.stderr, flush=True)
        future.release()
        send_more()


def main(words):
    options = parse(words)
    mine(options, "--plan")
    work = Path(options.out, "work")
    plan = json.loads((work / "plan.json").read_text(encoding="utf-8"))
    missing = set(json.loads((work / "missing.json").read_text(encoding="utf-8")))
    shards = [shard for shard in plan["shards"] if shard["id"] in missing]
    if shards:
        settings = {name: getattr(options, name) for name in ("photos", "network", "layer", "top", "batch")}
        with connect(options) as client:
            client.upload_file(mine_shard.__file__)
            for address, process in client.run(os.getpid).items():
                print(f"工作进程 {address}（进程号 {process}）", flush=True)
            scan_all(client, work, {**settings, "work": plan["work"]}, shards)
            if client.cluster:
                client.cluster.close()
    mine(options)


if __name__ == "__main__":
    main(sys.argv[1:])
