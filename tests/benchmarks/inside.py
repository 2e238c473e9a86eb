"""Inside Odoo: a process that has a server's database loaded, as the server itself would, and answers questions.

It is a process of its own for each server, so that builds of the addons that differ can take part in the same rounds.
The module that asks is also the one that answers: ``main()`` starts it with :func:`inside`, ``serve()`` loads Odoo with
:func:`load`.
"""

import sys
from importlib import import_module

from stack import odoo
from stack.layout import PROJECT
from tests.benchmarks.apart import Apart
from tests.benchmarks.servers import Server


def inside(server: Server, module: str) -> Apart:
    """Return the process ``python -m module serve …`` for a server's database; the server need not run."""
    environment = {
        **odoo.environment(server.source),
        "PYTHONPATH": f"{server.source.folder}:{PROJECT}",
        # one hash seed for all, or their dictionaries would differ by chance
        "PYTHONHASHSEED": "0",
    }
    log = server.layout.logs / f"{server.name}-inside.log"
    return Apart(module, str(server.configuration), str(log), **environment)


def load():
    """Load what the arguments of :func:`inside` name, in the process that it started, and return Odoo's registry."""
    # as the command line does, which has libraries patched first
    import_module("odoo.cli")
    from odoo.modules.registry import Registry
    from odoo.service.server import load_server_wide_modules
    from odoo.tools import config

    configuration, log = sys.argv[2:]
    config.parse_config(
        ["--config", configuration, "--no-http", "--workers=0", "--logfile", log], setup_logging=True
    )
    load_server_wide_modules()
    [database] = config["db_name"] if isinstance(config["db_name"], list) else [config["db_name"]]
    return Registry(database)
