"""Asks a running kernel a question and prints what it answers: ask.py CONNECTION_FILE CODE"""

import sys

from jupyter_client import BlockingKernelClient

client = BlockingKernelClient(connection_file=sys.argv[1])
client.load_connection_file()
client.start_channels()
client.wait_for_ready(timeout=120)
reply = client.execute_interactive(sys.argv[2], timeout=240)
client.stop_channels()
sys.exit(0 if reply["content"]["status"] == "ok" else 1)
