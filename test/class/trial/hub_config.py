"""The class's own configuration, with what only a trial may have: one password for all, loopback, made-up accounts."""

import os
from pathlib import Path

from jupyterhub.spawner import SimpleLocalProcessSpawner

c = get_config()  # noqa: F821
load_subconfig(str(Path(__file__).resolve().parents[3] / "deploy" / "jupyterhub_config.py"))  # noqa: F821

PUBLIC, API, HUB = os.environ["TRIAL_PORTS"].split()
HOMES = Path(os.environ["TRIAL_HOMES"])
FIRST_UID = 20001


class TrialSpawner(SimpleLocalProcessSpawner):
    """Every student under a user number of their own, where the trial may do that (as root)."""

    def make_preexec_fn(self, name):
        home = HOMES / name
        number = FIRST_UID + int(name.rsplit("-", 1)[1])

        def enter():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.getuid() == 0:
                os.chown(home, number, number)
                os.setgroups([])
                os.setgid(number)
                os.setuid(number)
            os.chdir(home)

        return enter

    def user_env(self, env):
        return {**env, "HOME": str(HOMES / self.user.name), "USER": self.user.name, "SHELL": "/bin/sh"}


c.JupyterHub.spawner_class = TrialSpawner
c.JupyterHub.bind_url = f"http://127.0.0.1:{PUBLIC}"
c.JupyterHub.hub_port = int(HUB)
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{API}"

c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = os.environ["TRIAL_PASSWORD"]
c.Authenticator.allowed_users = set(os.environ["TRIAL_STUDENTS"].split())

# Who is there is told every few seconds, instead of every five minutes: the trial of the culler cannot wait for hours.
c.JupyterHub.last_activity_interval = 4
c.Spawner.environment.update({"JUPYTERHUB_ACTIVITY_INTERVAL": "4"})
for service in c.JupyterHub.services:
    if service["name"] == "idle-culler" and os.environ.get("TRIAL_IDLE_SECONDS"):
        program = service["command"][:2]
        patience = int(os.environ["TRIAL_IDLE_SECONDS"])
        service["command"] = [*program, str(patience * 2 // 3), f"--timeout={patience}", "--cull-every=3"]

c.JupyterHub.services.append({"name": "trial", "api_token": os.environ["TRIAL_TOKEN"]})
c.JupyterHub.load_roles.append(
    {"name": "trial", "scopes": ["admin:users", "admin:servers", "tokens", "access:servers"], "services": ["trial"]}
)
