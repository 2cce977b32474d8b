"""The hub's service that ends servers nobody uses: jupyterhub-idle-culler, which begins a while after the hub.

usage: cull_idle.py SECONDS [options of jupyterhub_idle_culler]

A hub that was away for long knows only who was active before. Servers tell it again every few minutes: whoever works
without it must not be taken for somebody who has left.
"""

import sys
import time

from jupyterhub_idle_culler import main

if __name__ == "__main__":
    time.sleep(float(sys.argv.pop(1)))
    main()
