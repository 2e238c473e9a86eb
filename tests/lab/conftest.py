import os

import pytest

from stack.layout import Layout

from .lab import ORDERS, Lab


@pytest.fixture(scope="session", params=ORDERS)
def lab(request):
    """A running :class:`~.lab.Lab`, in each order."""
    if "ODOO_RC" not in os.environ:
        pytest.skip("needs the PostgreSQL that `make test` prepares")
    made = Lab(Layout.from_environment(), request.param)
    with made.serving():
        yield made
    made.drop_database()
