"""Commands of PostgreSQL's containers, run outside of containers on a server of the test."""

import os
import subprocess

from stack.layout import PROJECT
from stack.services import postgres

ROLES = (PROJECT / "deploy" / "compose" / "postgres_roles.sh").read_text()


def run(command, layout, secrets, **passwords):
    """Run a shell command on the server of a layout, and return what it writes to standard error.

    :param secrets: the folder in place of /run/secrets, also the working directory
    :param passwords: of roles, by their names
    :raises subprocess.CalledProcessError: when the command fails
    """
    (secrets / "postgres_password").write_text(layout.secret("postgres"))
    for role, password in passwords.items():
        (secrets / f"{role}_db_password").write_text(password)
    command = command.replace("/run/secrets", str(secrets)).replace("PGHOST=postgres", "PGHOST=127.0.0.1")
    command = command.replace("/srv/postgres_roles.sql", str(postgres.ROLES_SCRIPT))
    environment = {"PATH": f"{postgres.provide()}:{os.environ['PATH']}", "PGPORT": str(layout.ports.pg)}
    return subprocess.run(
        ["sh", "-ec", command], cwd=secrets, env=environment, check=True, stderr=subprocess.PIPE, text=True
    ).stderr
