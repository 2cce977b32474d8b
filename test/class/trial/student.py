"""One student, as their browser would be: logs in, starts a server, opens notebooks, runs cells, saves."""

import json
import time
import uuid
from http.cookies import SimpleCookie
from urllib.parse import quote, urlencode

from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from paths import STUDENT_FOLDER
from trial.hub import fetch, wait_for


class ConnectionLost(Exception):
    pass


class Student:
    def __init__(self, name, hub):
        self.name, self.hub = name, hub
        self.base = f"{hub.url}/user/{name}"
        self.cookies = SimpleCookie()
        self.token = None

    async def visit(self, page, method="GET", body=None, headers=None):
        """A page of the hub, with this browser's cookies."""
        cookies = "; ".join(f"{key}={morsel.value}" for key, morsel in self.cookies.items())
        headers = {"Cookie": cookies, "Origin": self.hub.url, **(headers or {})}
        url = f"{self.hub.url}/hub/{page}"
        answer = await fetch(url, method, body, headers=headers, check=False, follow_redirects=False)
        for line in answer.headers.get_list("Set-Cookie"):
            self.cookies.load(line)
        return answer

    async def log_in(self, password):
        """The form of the login page; returns whether the hub let them in."""
        await self.visit("login")
        form = urlencode({"username": self.name, "password": password, "_xsrf": self.cookies["_xsrf"].value})
        answer = await self.visit("login", "POST", form, {"Content-Type": "application/x-www-form-urlencoded"})
        return answer.code == 302

    async def take_token(self):
        """A token of one's own, as the hub's page for it gives."""
        await self.visit("home")
        headers = {"X-XSRFToken": self.cookies["_xsrf"].value, "Content-Type": "application/json"}
        answer = await self.visit(f"api/users/{self.name}/tokens", "POST", {"note": "trial"}, headers)
        self.token = json.loads(answer.body)["token"]

    async def start_server(self):
        """Asks the hub for the server and waits until it answers; returns the seconds."""
        start = time.monotonic()
        await fetch(f"{self.hub.url}/hub/api/users/{self.name}/server", "POST", {}, token=self.token)
        await wait_for(self.has_server, 180, f"{self.name} 的服务器没有启动")
        return time.monotonic() - start

    async def has_server(self):
        answer = await fetch(f"{self.hub.url}/hub/api/users/{self.name}", token=self.token, check=False)
        ready = answer.code == 200 and json.loads(answer.body)["servers"].get("", {}).get("ready")
        return bool(ready) and (await self.get("status", check=False)).code == 200

    async def get(self, path, check=True):
        return await fetch(f"{self.base}/api/{path}", token=self.token, check=check)

    async def read(self, name):
        path = quote(f"{STUDENT_FOLDER}/{name}")
        return json.loads((await self.get(f"contents/{path}?type=notebook")).body)["content"]

    async def save(self, name, notebook):
        url = f"{self.base}/api/contents/{quote(f'{STUDENT_FOLDER}/{name}')}"
        await fetch(url, "PUT", {"type": "notebook", "format": "json", "content": notebook}, token=self.token)

    async def write(self, name, text):
        url = f"{self.base}/api/contents/{quote(f'{STUDENT_FOLDER}/{name}')}"
        await fetch(url, "PUT", {"type": "file", "format": "text", "content": text}, token=self.token)

    async def rename(self, old, new):
        url = f"{self.base}/api/contents/{quote(f'{STUDENT_FOLDER}/{old}')}"
        await fetch(url, "PATCH", {"path": f"{STUDENT_FOLDER}/{new}"}, token=self.token)

    async def pull(self, repository, branch):
        """The teacher's link, in a running server; returns what nbgitpuller says at the end."""
        words = urlencode({"repo": f"file://{repository}", "branch": branch, "targetpath": STUDENT_FOLDER})
        answer = await fetch(f"{self.base}/git-pull/api?{words}", token=self.token)
        events = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
        return events[-1]["phase"]

    async def open(self, name):
        """A kernel for a notebook, in the notebook's folder, as JupyterLab starts it."""
        body = {"path": f"{STUDENT_FOLDER}/{name}", "name": name, "type": "notebook", "kernel": {"name": "convscope"}}
        answer = await fetch(f"{self.base}/api/sessions", "POST", body, token=self.token)
        return await Kernel(self, json.loads(answer.body)["kernel"]["id"]).connect()


class Kernel:
    """The kernel's channels over one WebSocket."""

    def __init__(self, student, kernel_id):
        self.student, self.id = student, kernel_id
        self.session = uuid.uuid4().hex
        self.socket = None

    async def connect(self):
        url = f"{self.student.base.replace('http', 'ws', 1)}/api/kernels/{self.id}/channels?session_id={self.session}"
        headers = {"Authorization": f"token {self.student.token}"}
        request = HTTPRequest(url, headers=headers, connect_timeout=60, request_timeout=60)
        self.socket = await websocket_connect(request, max_message_size=200_000_000)
        return self

    async def shut_down(self):
        self.socket.close()
        url = f"{self.student.base}/api/kernels/{self.id}"
        await fetch(url, "DELETE", token=self.student.token, check=False)

    def request(self, code):
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": "execute_request", "session": self.session}
        header |= {"username": self.student.name, "version": "5.3", "date": ""}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        self.socket.write_message(json.dumps(message))
        return number

    async def execute(self, code):
        """Runs one cell; returns (outputs as a notebook stores them, seconds)."""
        start = time.monotonic()
        number = self.request(code)
        outputs = Outputs()
        replied = idle = False
        while not (replied and idle):
            text = await self.socket.read_message()
            if text is None:
                raise ConnectionLost(self.student.name)
            message = json.loads(text)
            if message["parent_header"].get("msg_id") != number:
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            replied |= kind == "execute_reply"
            idle |= kind == "status" and content["execution_state"] == "idle"
            outputs.take(kind, content)
        return outputs.list, time.monotonic() - start

    async def value(self, code):
        """The text of a cell's last expression, or its error."""
        outputs, _ = await self.execute(code)
        texts = [o["data"].get("text/plain", "") for o in outputs if o["output_type"] == "execute_result"]
        errors = [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]
        return "".join(texts + errors)


class Outputs:
    """Gathers the messages of one cell; a display that is updated stays in its place."""

    def __init__(self):
        self.list = []
        self.displays = {}

    def take(self, kind, content):
        if kind == "stream":
            last = self.list[-1] if self.list else {}
            if last.get("name") == content["name"]:
                last["text"] += content["text"]
            else:
                self.list.append({"output_type": "stream", "name": content["name"], "text": content["text"]})
        elif kind == "error":
            self.list.append({"output_type": "error", **{k: content[k] for k in ("ename", "evalue", "traceback")}})
        elif kind in ("display_data", "execute_result", "update_display_data"):
            self.display(kind, content)

    def display(self, kind, content):
        name = content.get("transient", {}).get("display_id")
        output = {"data": content["data"], "metadata": content.get("metadata", {})}
        if kind == "update_display_data":
            if name in self.displays:
                self.displays[name].update(output)
            return
        output = {"output_type": kind, **output}
        if kind == "execute_result":
            output["execution_count"] = content["execution_count"]
        if name:
            self.displays[name] = output
        self.list.append(output)
