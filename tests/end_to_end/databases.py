"""Databases that a test makes of others, renames and drops. A copy has no scrape token until one is made in it."""

from contextlib import suppress

import psycopg2

from stack.services import postgres
from tests.waiting import until

from .client import Client
from .load import address
from .servers import SPARE

TEMPLATE = SPARE[0]
FIRST, SECOND, THIRD = "trial_first", "trial_second", "trial_third"
# a server that may get a third database; by dbfilter, because Odoo creates databases that db_name lists
ALL = {"dbfilter": f"^({FIRST}|{SECOND}|{THIRD})$"}
TIED_TO = "odoo_telemetry.token_database"


def identity(layout, database):
    """Return what a database's tokens are tied to if they are made in it."""
    from odoo.addons.odoo_telemetry.identity import NOW

    return postgres.execute(layout, NOW, database=database)[0][0]


def open_to_the_token(layout, database):
    """Let the tokens that a copy inherited scrape it, as if generated in the copy; no server has it open yet."""
    tied_to = f"UPDATE ir_config_parameter SET value = '{identity(layout, database)}' WHERE key = '{TIED_TO}'"
    postgres.execute(layout, tied_to, database=database)


class Databases:
    """Databases made for a test."""

    def __init__(self, system):
        self._layout = system.layout

    def make(self, name, template=TEMPLATE):
        """Make ``name`` as a copy of ``template``, whoever is connected to that."""
        self.drop(name)
        self._alone_with(template, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    def sql(self, name, statement):
        """Run a statement in a database."""
        postgres.execute(self._layout, statement, database=name)

    def rename(self, name, to):
        """Rename a database, whoever is connected to it."""
        self._alone_with(name, f'ALTER DATABASE "{name}" RENAME TO "{to}"')

    def drop(self, name):
        """Drop a database, whoever is connected to it."""
        postgres.execute(self._layout, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _alone_with(self, name, statement):
        """Run a statement that needs a database without connections, whoever connects to it meanwhile."""
        others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"

        def done():
            postgres.execute(self._layout, others, role=postgres.ADMIN)
            with suppress(psycopg2.errors.ObjectInUse):
                postgres.execute(self._layout, statement)
                return True

        until(done, statement)


def register(server, database, number):
    """Register so many influencers in ``database``, whose connections may have been cut."""
    for _ in range(number):
        email = address()

        def registered(email=email):
            with suppress(Exception):
                Client(server.url, database).register(email)
                return True

        until(registered, f"a registration in {database}")


def admit(server, database):
    """Let the token that the system was made with scrape a copy that is served, as an administrator may."""
    layout = server.system.layout

    def admitted():
        with suppress(Exception):
            admin = Client(server.url, database).log_in(database, "admin", layout.secret("admin"))
            admin.call("ir.config_parameter", "set_param", TIED_TO, identity(layout, database))
            return True

    until(admitted, f"{database} is admitted")
