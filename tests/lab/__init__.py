"""The lab: the product beside OCA's addons from PyPI, in both orders of loading.

An Odoo with two workers and queue_job's runner serves a database with the addons of ``requirements-<series>.txt`` and
of ``addons/``. Its tests take the fixture ``lab``, a :class:`~tests.lab.lab.Lab`, and run once in each order:

    PYTEST_ARGS="tests/lab -q" make test
    PYTEST_ARGS="tests/lab/test_uninstall.py -k telemetry_first" ODOO_SOURCE=../odoo make test

They share the database: a test puts back what it has changed or installed.
"""
