"""JupyterHub for one class on one server: jupyterhub -f deploy/jupyterhub_config.py (see docs/class.md).

The course's folder is shared and belongs to the teacher; a student's server runs under the student's own account.
"""

import grp
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from paths import GIT_CONFIG, ROOT, STATE, STUDENT_FOLDER, models  # noqa: E402

c = get_config()  # noqa: F821

# ---- the hub and its proxy: two services, so that the hub can be restarted while the class works -------------------

STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.cleanup_servers = False
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:8001"
c.ConfigurableHTTPProxy.auth_token = (STATE / "proxy-token").read_text().strip().split("=", 1)[1]

# ---- who may come in: accounts of this machine in the group convscope ----------------------------------------------

c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"convscope"}
# A group that does not exist would end every login in an error.
c.PAMAuthenticator.admin_groups = {"convscope-teachers"} & {group.gr_name for group in grp.getgrall()}

# ---- a student's server ---------------------------------------------------------------------------------------------

# Limits need systemd; without it (a container, WSL) everything else works and nothing is limited.
LIMITED = Path("/run/systemd/system").is_dir()
c.JupyterHub.spawner_class = "systemd" if LIMITED else "jupyterhub.spawner.LocalProcessSpawner"
# docs/class.md has the figures: one open notebook with its server takes up to 1.3 GB.
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 2.0
if LIMITED:
    c.SystemdSpawner.readonly_paths = [str(ROOT)]
    c.SystemdSpawner.isolate_tmp = True
    c.SystemdSpawner.disable_user_sudo = True

c.Spawner.cmd = [sys.executable, str(ROOT / "deploy" / "start_student.py")]
c.Spawner.notebook_dir = "~"
c.Spawner.default_url = f"/lab/tree/{STUDENT_FOLDER}/00-overview.ipynb"
# The start pulls notebooks first (start_student.py); the slowest of a class on two cores took 12 s (docs/class.md).
c.Spawner.start_timeout = 120
c.Spawner.http_timeout = 120
# A server that the memory limit has ended is noticed so soon, and the student offered a new one.
c.Spawner.poll_interval = 10

c.Spawner.environment = {
    "CONVSCOPE_MODELS": models(),
    "GIT_CONFIG_SYSTEM": str(GIT_CONFIG),
    "JUPYTER_PREFER_ENV_PATH": "1",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
}
c.Spawner.env_keep = ["LANG", "LC_ALL", "CONVSCOPE_CLASS", "CONVSCOPE_BACKEND", "CONVSCOPE_MODEL_URL", "CONVSCOPE_LANG"]

# ---- servers that nobody uses are stopped; notebooks stay -----------------------------------------------------------

# Twice what a kernel without use is kept (settings.py): the kernel, which holds most of the memory, goes first.
IDLE_SECONDS = 2 * 3600
# A hub that comes back hears from every server within five minutes; so long nobody is judged.
FIRST_LISTEN_SECONDS = 600
CULLER = [sys.executable, str(ROOT / "deploy" / "cull_idle.py"), str(FIRST_LISTEN_SECONDS)]
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [*CULLER, f"--timeout={IDLE_SECONDS}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]
