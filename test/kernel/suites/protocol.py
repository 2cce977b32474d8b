"""The protocol as its description has it (jupyter-client's "Messaging in Jupyter"): every message is held against its
schema, its parent and its place in the order."""

import json
import subprocess
import time
import unittest
from queue import Empty

from jupyter_client import KernelManager
from jupyter_client.session import Session
from jupyter_kernel_test import validate_message

LONG = 60


def check(message, sent):
    """What the schemas lack: `aborted` (they say abort), comm_close, a password that is true or false."""
    kind, content = message["msg_type"], message["content"]
    if kind not in ("comm_close", "input_request") and content.get("status") != "aborted":
        validate_message(message, kind, sent)


class Bed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.manager = KernelManager(kernel_name="convscope")
        cls.manager.start_kernel(stderr=subprocess.DEVNULL)
        cls.client = cls.ready()

    @classmethod
    def ready(cls):
        # sockets go by the name of their session
        session = Session(key=cls.manager.session.key, signature_scheme=cls.manager.session.signature_scheme)
        client = cls.manager.client(session=session)
        client.start_channels()
        client.wait_for_ready(timeout=LONG)
        return client

    @classmethod
    def tearDownClass(cls):
        cls.client.stop_channels()
        cls.manager.shutdown_kernel(now=True)

    def setUp(self):
        #: What has come and belongs to another request, by channel.
        self.kept = {}

    def take(self, channel, sent, until=lambda message: True):
        """The messages that answer `sent`, up to the first that `until` holds for."""
        found = []
        kept = self.kept.setdefault(channel, [])
        waiting, kept[:] = kept[:], []
        while not found or not until(found[-1]):
            message = waiting.pop(0) if waiting else getattr(self.client, f"get_{channel}_msg")(timeout=LONG)
            if message["parent_header"].get("msg_id") != sent:
                kept.append(message)
                continue
            check(message, sent)
            found.append(message)
        kept.extend(waiting)
        return found

    def finish(self, sent, channel="shell"):
        """The reply, and what was published from busy to idle."""
        idle = lambda m: m["msg_type"] == "status" and m["content"]["execution_state"] == "idle"  # noqa: E731
        published = self.take("iopub", sent, idle)
        reply = self.take(channel, sent)[0]
        states = [m["content"]["execution_state"] for m in published if m["msg_type"] == "status"]
        self.assertEqual(states, ["busy", "idle"])
        self.assertEqual(published[0]["msg_type"], "status")
        return reply, published[1:-1]

    def run_cell(self, code, **options):
        reply, published = self.finish(self.client.execute(code, **options))
        return reply["content"], [(m["msg_type"], m["content"]) for m in published]

    def ask(self, kind, channel="shell", **content):
        message = self.client.session.msg(kind, content)
        getattr(self.client, f"{channel}_channel").send(message)
        return self.finish(message["header"]["msg_id"], channel)

    def began(self, code, **options):
        """A cell that has printed something and goes on."""
        sent = self.client.execute(code, **options)
        self.take("iopub", sent, lambda m: m["msg_type"] == "stream")
        return sent

    def ended(self, sent):
        self.take("iopub", sent, lambda m: m["content"].get("execution_state") == "idle")
        return self.take("shell", sent)[0]["content"]

    # ---- cells

    def test_a_cell_in_order(self):
        reply, published = self.run_cell("console.log('a'); console.error('b'); console.log('c'); 5")
        self.assertEqual(
            [kind for kind, _ in published], ["execute_input", "stream", "stream", "stream", "execute_result"]
        )
        self.assertEqual([c["name"] for k, c in published if k == "stream"], ["stdout", "stderr", "stdout"])
        self.assertEqual(published[0][1]["code"], "console.log('a'); console.error('b'); console.log('c'); 5")
        counts = {c["execution_count"] for k, c in published if "execution_count" in c} | {reply["execution_count"]}
        self.assertEqual(len(counts), 1)
        self.assertEqual((reply["status"], reply["payload"], reply["user_expressions"]), ("ok", [], {}))

    def test_headers(self):
        sent = self.client.execute("1")
        reply, published = self.finish(sent)
        messages = [reply, *published]
        self.assertEqual(len({m["header"]["msg_id"] for m in messages}), len(messages))
        self.assertEqual(len({m["header"]["session"] for m in messages}), 1)
        for message in messages:
            self.assertEqual(message["header"]["version"].split(".")[0], "5")
            self.assertEqual(message["parent_header"]["session"], self.client.session.session)
            self.assertEqual(message["parent_header"]["msg_type"], "execute_request")

    def test_errors(self):
        for code in ("throw new RangeError('x')", "const wrong: string = 5", "const = 5"):
            reply, published = self.run_cell(code)
            self.assertEqual([kind for kind, _ in published], ["execute_input", "error"])
            self.assertEqual(reply["status"], "error")
            for key in ("ename", "evalue", "traceback"):
                self.assertEqual(reply[key], published[1][1][key])
            self.assertTrue(all(isinstance(line, str) for line in reply["traceback"]))

    def test_counts(self):
        first = self.run_cell("1")[0]["execution_count"]
        self.assertEqual(self.run_cell("2; console.log('x')", silent=True)[1], [("stream", {"name": "stdout", "text": "x\n"})])
        self.assertEqual(self.run_cell("3", store_history=False)[0]["execution_count"], first)
        self.assertEqual(self.run_cell("4")[0]["execution_count"], first + 1)

    def test_user_expressions(self):
        reply, _ = self.run_cell("const base = 2", user_expressions={"good": "base * 2", "bad": "nothing", "odd": "throw 1"})
        values = reply["user_expressions"]
        self.assertEqual(values["good"], {"status": "ok", "data": {"text/plain": "4"}, "metadata": {}})
        for name in ("bad", "odd"):
            self.assertEqual(values[name]["status"], "error")
            self.assertLessEqual({"ename", "evalue", "traceback"}, set(values[name]))
        self.assertEqual(self.run_cell("throw 1", user_expressions={"good": "base"})[0]["status"], "error")

    def test_queue(self):
        sent = [self.client.execute(code) for code in ("await null; throw 1", "2", "3")]
        self.assertEqual([self.ended(s)["status"] for s in sent], ["error", "aborted", "aborted"])
        sent = [self.client.execute(code, stop_on_error=False) for code in ("throw 1", "2")]
        self.assertEqual([self.ended(s)["status"] for s in sent], ["error", "ok"])

    def test_displays(self):
        code = "const shown = tslab.newDisplay(); shown.html('<b>1</b>'); shown.html('<b>2</b>'); console.clear();"
        _, published = self.run_cell(f"import * as tslab from 'tslab'; {code}")
        kinds = [kind for kind, _ in published[1:]]
        self.assertEqual(kinds, ["display_data", "update_display_data", "clear_output"])
        first, second = (content["transient"]["display_id"] for _, content in published[1:3])
        self.assertEqual(first, second)
        self.assertEqual(published[3][1], {"wait": False})

    def test_late_output(self):
        first = self.client.execute("setTimeout(() => console.log('late'), 300); undefined")
        self.ended(first)
        second = self.client.execute("await new Promise((r) => setTimeout(r, 600))")
        late = self.take("iopub", first, lambda m: m["msg_type"] == "stream")[-1]
        self.assertEqual(late["content"]["text"], "late\n")
        self.assertEqual(self.ended(second)["status"], "ok")

    # ---- questions to the kernel

    def test_kernel_info(self):
        content = self.ask("kernel_info_request")[0]["content"]
        self.assertLessEqual({"implementation", "implementation_version", "banner", "help_links"}, set(content))
        self.assertEqual(content["language_info"]["mimetype"], "text/typescript")
        self.assertEqual(self.ask("kernel_info_request", "control")[0]["content"], content)

    def test_history(self):
        for code in ("const h1 = 1", "h1 + 1", "h1 + 1"):
            self.run_cell(code)
        whole = {"raw": True, "output": False, "session": 0}
        ask = lambda **content: self.ask("history_request", **{**whole, **content})[0]["content"]["history"]  # noqa: E731
        tail = ask(hist_access_type="tail", n=3)
        self.assertEqual([text for _, _, text in tail], ["const h1 = 1", "h1 + 1", "h1 + 1"])
        start = tail[0][1]
        self.assertEqual(ask(hist_access_type="range", start=start, stop=start + 2), tail[:2])
        self.assertEqual(len(ask(hist_access_type="search", pattern="h1 +*", n=9)), 2)
        self.assertEqual(len(ask(hist_access_type="search", pattern="h1 +*", n=9, unique=True)), 1)
        self.assertEqual(ask(hist_access_type="tail", n=1, output=True)[0][2], ["h1 + 1", "2"])
        self.assertEqual(ask(hist_access_type="tail", n=0), [])

    def test_is_complete(self):
        for code, status in (("1 + 1", "complete"), ("if (1) {", "incomplete"), ("a b", "invalid"), ("", "complete")):
            content = self.ask("is_complete_request", code=code)[0]["content"]
            self.assertEqual(content["status"], status, code)
            self.assertEqual("indent" in content, status == "incomplete")

    def test_completion(self):
        text = "/* 😀 */ Math.floo; 1"
        content = self.ask("complete_request", code=text, cursor_pos=text.index(";"))[0]["content"]
        self.assertEqual(content["matches"], ["floor"])
        self.assertEqual(text[content["cursor_start"] : content["cursor_end"]], "floo")

    def test_inspection(self):
        self.run_cell("/** what it is for */\nfunction described(n: number) { return n }")
        for level in (0, 1):
            content = self.ask("inspect_request", code="described(1)", cursor_pos=3, detail_level=level)[0]["content"]
            self.assertTrue(content["found"])
            self.assertIn("what it is for", content["data"]["text/plain"])
        content = self.ask("inspect_request", code="nowhere", cursor_pos=3, detail_level=0)[0]["content"]
        self.assertEqual((content["status"], content["found"], content["data"]), ("ok", False, {}))

    def test_comms(self):
        self.assertEqual(self.ask("comm_info_request")[0]["content"], {"status": "ok", "comms": {}})
        opened = self.client.session.msg("comm_open", {"comm_id": "c1", "target_name": "nobody", "data": {}})
        self.client.shell_channel.send(opened)
        closed = self.take("iopub", opened["header"]["msg_id"], lambda m: m["msg_type"] == "comm_close")
        self.assertEqual(closed[-1]["content"]["comm_id"], "c1")
        for kind in ("comm_msg", "comm_close"):
            self.client.shell_channel.send(self.client.session.msg(kind, {"comm_id": "c1", "data": {}}))
        self.assertEqual(self.run_cell("7")[0]["status"], "ok")

    def test_what_it_does_not_know(self):
        for channel in ("shell", "control"):
            message = self.client.session.msg("strange_request", {})
            getattr(self.client, f"{channel}_channel").send(message)
            reply = getattr(self.client, f"get_{channel}_msg")(timeout=LONG)
            self.assertEqual(reply["parent_header"]["msg_id"], message["header"]["msg_id"])
            self.assertEqual((reply["msg_type"], reply["content"]["status"]), ("strange_reply", "error"))

    def test_a_wrong_signature_is_passed_over(self):
        key, self.client.session.key = self.client.session.key, b"wrong"
        self.client.execute("globalThis.forged = 1")
        self.client.session.key = key
        self.assertEqual(self.run_cell("typeof (globalThis as any).forged")[1][1][1]["data"]["text/plain"], "'undefined'")

    def test_two_clients(self):
        other = self.ready()
        sent = other.execute("'for the other'")
        while True:
            reply = other.get_shell_msg(timeout=LONG)
            if reply["parent_header"]["msg_id"] == sent:
                break
        self.run_cell("'for this one'")
        with self.assertRaises(Empty):
            other.get_shell_msg(timeout=0.2)
        other.stop_channels()

    # ---- input

    def test_input(self):
        sent = self.client.execute("const answer = prompt('Name?'); answer + '!'", allow_stdin=True)
        asked = self.client.get_stdin_msg(timeout=LONG)
        self.assertEqual((asked["msg_type"], asked["parent_header"]["msg_id"]), ("input_request", sent))
        self.assertEqual(asked["content"], {"prompt": "Name?", "password": False})
        self.client.input("Ada 😀")
        self.assertEqual(self.finish(sent)[1][-1]["content"]["data"]["text/plain"], "'Ada 😀!'")

    def test_lines_of_stdin(self):
        code = "import * as readline from 'readline/promises'; const lines = readline.createInterface({ input: process.stdin });"
        sent = self.client.execute(f"{code} [await lines.question('a'), await lines.question('b')]", allow_stdin=True)
        for text in ("one", "two"):
            self.client.get_stdin_msg(timeout=LONG)
            self.client.input(text)
        self.assertEqual(self.finish(sent)[1][-1]["content"]["data"]["text/plain"], "[ 'one', 'two' ]")

    def test_no_input(self):
        for code in ("prompt('?')", "confirm('?')", "alert('!')"):
            self.assertEqual(self.run_cell(code, allow_stdin=False)[0]["ename"], "InputError")

    def test_an_interrupted_question(self):
        sent = self.client.execute("prompt('?')", allow_stdin=True)
        self.client.get_stdin_msg(timeout=LONG)
        self.manager.interrupt_kernel()
        self.assertEqual(self.ended(sent)["status"], "error")
        self.assertEqual(self.run_cell("8")[0]["status"], "ok")

    # ---- while a cell computes

    def test_busy(self):
        sent = self.began("console.log('started'); while (true);")
        queued = self.client.execute("'never'")
        self.assertTrue(self.client.hb_channel.is_beating())
        self.assertEqual(self.ask("kernel_info_request", "control")[0]["content"]["status"], "ok")
        reply = self.ask("interrupt_request", "control")[0]
        self.assertEqual((reply["msg_type"], reply["content"]["status"]), ("interrupt_reply", "ok"))
        self.assertEqual(self.ended(sent)["ename"], "Interrupted")
        self.assertEqual(self.ended(queued)["status"], "aborted")
        self.assertEqual(self.run_cell("9")[0]["status"], "ok")

    # ---- its end

    def test_zz_restart_and_shutdown(self):
        self.run_cell("const before = 1")
        self.client.stop_channels()
        self.manager.restart_kernel()
        type(self).client = self.ready()
        reply, published = self.run_cell("typeof (globalThis as any).before")
        self.assertEqual(reply["execution_count"], 1)
        message = self.client.session.msg("shutdown_request", {"restart": False})
        self.client.control_channel.send(message)
        reply = self.client.get_control_msg(timeout=LONG)
        validate_message(reply, "shutdown_reply", message["header"]["msg_id"])
        self.assertEqual(reply["content"], {"status": "ok", "restart": False})
        deadline = time.monotonic() + LONG
        while self.manager.is_alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse(self.manager.is_alive())


class Papermill(unittest.TestCase):
    def test_parameters(self):
        import tempfile
        from pathlib import Path

        import nbformat.v4 as v4
        import papermill

        given = {"rate": 0.5, "name": '引号"\n', "list": [1, {"a": None}], "on": True, "far": float("inf")}
        defaults = "let rate: number = 0.1; // how fast\nlet name = ''; let list: any[] = [];"
        cells = [
            v4.new_code_cell(defaults, metadata={"tags": ["parameters"]}),
            v4.new_code_cell("console.log(JSON.stringify([rate, name, list, on, far === Infinity]))"),
        ]
        kernelspec = {"name": "convscope", "language": "typescript", "display_name": "TypeScript"}
        folder = Path(tempfile.mkdtemp())
        source = folder / "in.ipynb"
        source.write_text(json.dumps(v4.new_notebook(cells=cells, metadata={"kernelspec": kernelspec})), encoding="utf-8")
        self.assertEqual(papermill.inspect_notebook(str(source))["rate"]["default"], "0.1")
        done = papermill.execute_notebook(str(source), str(folder / "out.ipynb"), parameters=given, progress_bar=False)
        printed = json.loads(done.cells[-1].outputs[0].text)
        self.assertEqual(printed, [0.5, '引号"\n', [1, {"a": None}], True, True])


if __name__ == "__main__":
    unittest.main()
