"""An Odoo process that has the database of a server loaded, as the server itself would, and answers questions.

Each server has a process of its own, so that different builds of the addons take part in the same rounds. One module
is on both sides: its ``main()`` starts the process with :func:`odoo_process`, and its ``serve()`` runs in the process
and loads Odoo with :func:`load_registry`.
"""

import sys
from importlib import import_module

from stack.services import odoo
from tests.benchmarks.apart import Apart
from tests.benchmarks.servers import Server


def odoo_process(server: Server, module: str) -> Apart:
    """Return the process ``python -m module serve …`` for the database of a server, which need not run itself."""
    log = server.layout.logs / f"{server.name}-process.log"
    return Apart(module, str(server.configuration), str(log), python=server.source.python, **environment(server))


def environment(server: Server) -> dict[str, str]:
    """Return the variables that such a process has besides those of this one."""
    # one hash seed for all, or their dictionaries would differ by chance
    return {**odoo.environment(server.source), "PYTHONHASHSEED": "0"}


def load_registry():
    """Return Odoo's registry of the database that :func:`odoo_process` named in the arguments of this process."""
    # as the command line does, which has libraries patched first
    import_module("odoo.cli")
    from odoo.modules.registry import Registry
    from odoo.service.server import load_server_wide_modules
    from odoo.tools import config

    configuration, log = sys.argv[2:]
    config.parse_config(["--config", configuration, "--no-http", "--workers=0", "--logfile", log], setup_logging=True)
    load_server_wide_modules()
    # a list since 19.0
    [database] = config["db_name"] if isinstance(config["db_name"], list) else [config["db_name"]]
    return Registry(database)
