"""
A slow line that loses packets, between two programs: every packet goes through this process, which delays it, sends it
at a limited rate, or drops it. Two network namespaces with a tunnel each; needs root, nothing of the network outside.

usage: lossy.py SECONDS_OF_DELAY SHARE_LOST BYTES_PER_SECOND SEED SERVER CLIENT    (the last two: shell commands)
The server is 10.9.0.1, the client 10.9.0.2. Ends with the client's exit status; prints how many packets were lost.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time

TUNSETIFF, TUN, NO_PREFIX, NEW_NETWORK = 0x400454CA, 0x1, 0x1000, 0x40000000
delay, lost, rate = map(float, sys.argv[1:4])
luck = random.Random(int(sys.argv[4]))
server_command, client_command = sys.argv[5:7]


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def namespace(address: str, command: str) -> tuple[int, subprocess.Popen]:
    """Moves this process into a new namespace, leaves a tunnel and a program there, and keeps the tunnel's other end."""
    if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    tunnel = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH", b"line", TUN | NO_PREFIX))
    ip("link", "set", "lo", "up")
    ip("address", "add", f"{address}/24", "dev", "line")
    ip("link", "set", "line", "up")
    return tunnel, subprocess.Popen(["sh", "-c", command], start_new_session=True)


here, server = namespace("10.9.0.1", server_command)
there, client = namespace("10.9.0.2", client_command)
waiting: list[tuple[float, int, int, bytes]] = []
free_at = {here: 0.0, there: 0.0}
count = dropped = 0
while client.poll() is None:
    pause = max(0.0, waiting[0][0] - time.monotonic()) if waiting else 0.1
    ready, _, _ = select.select([here, there], [], [], min(pause, 0.1))
    for tunnel in ready:
        packet = os.read(tunnel, 65536)
        count += 1
        if luck.random() < lost:
            dropped += 1
            continue
        # one packet after the other, as fast as the line allows
        free_at[tunnel] = max(free_at[tunnel], time.monotonic()) + len(packet) / rate
        due, other = free_at[tunnel] + delay, there if tunnel == here else here
        heapq.heappush(waiting, (due, count, other, packet))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, tunnel, packet = heapq.heappop(waiting)
        os.write(tunnel, packet)
# the whole group: a shell may have started the server as a child
try:
    os.killpg(server.pid, signal.SIGTERM)
except ProcessLookupError:
    pass
server.wait()
print(f"{dropped} of {count} packets lost")
sys.exit(client.returncode)
