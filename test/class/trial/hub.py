"""Starts and stops the real proxy and hub, and speaks the hub's REST interface."""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import time

from tornado.httpclient import AsyncHTTPClient, HTTPRequest

from paths import ENVIRONMENT, PROXY, ROOT

AsyncHTTPClient.configure(None, max_clients=60, max_body_size=200_000_000)


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


async def fetch(url, method="GET", body=None, token=None, headers=None, check=True, **more):
    """One request; a body that is not text is sent as JSON."""
    if body is not None and not isinstance(body, str):
        body = json.dumps(body)
    headers = {**({"Authorization": f"token {token}"} if token else {}), **(headers or {})}
    request = HTTPRequest(
        url, method=method, body=body, headers=headers, request_timeout=180, allow_nonstandard_methods=True, **more
    )
    response = await AsyncHTTPClient().fetch(request, raise_error=False)
    if check and response.code >= 400:
        raise RuntimeError(f"{method} {url}: {response.code} {response.body[:300]!r}")
    return response


async def wait_for(condition, seconds, what):
    """Asks until the answer is true; returns how long it took."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        try:
            if await condition():
                return time.monotonic() - start
        except OSError:
            pass  # nobody listens yet
        await asyncio.sleep(0.1)
    raise RuntimeError(f"{what}：等了 {seconds} 秒")


class Hub:
    """Proxy and hub of one trial, in `folder`, which is its CONVSCOPE_CLASS."""

    def __init__(self, folder, students):
        self.folder = folder
        self.homes = folder / "homes"
        self.password = secrets.token_hex(8)
        self.token = secrets.token_hex(16)
        self.ports = free_ports(3)
        self.url = f"http://127.0.0.1:{self.ports[0]}"
        self.process = self.proxy = self.start_seconds = None
        self.env = {
            **os.environ,
            "CONVSCOPE_CLASS": str(folder),
            "TRIAL_PORTS": " ".join(map(str, self.ports)),
            "TRIAL_HOMES": str(self.homes),
            "TRIAL_PASSWORD": self.password,
            "TRIAL_STUDENTS": " ".join(students),
            "TRIAL_TOKEN": self.token,
        }

    def start_proxy(self):
        public, api, hub = self.ports
        secret = (self.folder / "state" / "proxy-token").read_text().strip().split("=", 1)[1]
        program = PROXY / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
        words = ["node", str(program), "--ip", "127.0.0.1", "--port", str(public)]
        words += ["--api-ip", "127.0.0.1", "--api-port", str(api)]
        words += ["--default-target", f"http://127.0.0.1:{hub}", "--error-target", f"http://127.0.0.1:{hub}/hub/error"]
        log = open(self.folder / "proxy.log", "w")
        env = {**os.environ, "CONFIGPROXY_AUTH_TOKEN": secret}
        self.proxy = subprocess.Popen(words, env=env, stdout=log, stderr=log, start_new_session=True)

    async def start(self):
        """Returns the seconds until it answers through the proxy."""
        words = [str(ENVIRONMENT / "bin" / "jupyterhub"), "-f", str(ROOT / "test" / "class" / "trial" / "hub_config.py")]
        log = open(self.folder / "hub.log", "a")
        self.process = subprocess.Popen(
            words, cwd=self.folder, env=self.env, stdout=log, stderr=log, start_new_session=True
        )
        why = f"JupyterHub 没有启动，见 {self.folder / 'hub.log'}"
        self.start_seconds = await wait_for(self.answers, 120, why)
        return self.start_seconds

    async def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"JupyterHub 结束了，见 {self.folder / 'hub.log'}")
        response = await fetch(f"{self.url}/hub/api/", check=False)
        return response.code == 200 and (await self.api("users", check=False)).code == 200

    def kill(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(30)

    async def api(self, path, method="GET", body=None, check=True):
        return await fetch(f"{self.url}/hub/api/{path}", method, body, token=self.token, check=check)

    async def running(self):
        """Names of the students whose servers the hub counts as ready."""
        users = json.loads((await self.api("users")).body)
        return {user["name"] for user in users if user.get("servers", {}).get("", {}).get("ready")}

    def stop(self):
        for process in (self.process, self.proxy):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
