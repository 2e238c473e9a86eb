"""The reverse proxy in front of Odoo, which is where browsers go: nginx, with the configuration that Compose has."""

import os
import shutil
from pathlib import Path

from stack import private
from stack.layout import PROJECT, Layout
from stack.provide import debian
from stack.services.processes import Program

CONFIGURATION = PROJECT / "stack" / "services" / "nginx.conf"


def program(layout: Layout) -> Program:
    """Return how it is run: the nginx on PATH, or else Debian's package; write its configuration."""
    found: str | Path | None = shutil.which("nginx")
    variables = {}
    if not found:
        root = debian.unpacked_with_dependencies("nginx")
        found = root / "usr" / "sbin" / "nginx"
        libraries = {str(path.parent) for path in root.glob("usr/lib/*/lib*.so*")}
        variables["LD_LIBRARY_PATH"] = ":".join(sorted(libraries))
    folder = layout.state / "nginx"
    private.folder(layout.state)
    private.folder(folder)
    private.write(folder / "nginx.conf", configuration(layout))
    # nginx overwrites the environment variable by which surviving processes are found, so it must end with supervisord
    command = ["setpriv", "--pdeathsig=TERM", found, "-e", "stderr", "-p", f"{folder}/", "-c", folder / "nginx.conf"]
    # its workers would run as another user, who can't enter the folder
    return Program("proxy", command if os.geteuid() else [*command, "-g", "user root;"], variables)


def configuration(layout: Layout) -> str:
    """Return the text of its configuration with the addresses of one machine."""
    text = CONFIGURATION.read_text()
    for before, after in {
        "listen 8069;": f"listen 127.0.0.1:{layout.ports.web};",
        "odoo:8069": f"127.0.0.1:{layout.ports.odoo}",
        "odoo:8072": f"127.0.0.1:{layout.ports.gevent}",
    }.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text
