"""Odoo's command line as a file: Odoo starts its websocket worker by the path of the file it was started with."""

import odoo.cli

if __name__ == "__main__":
    odoo.cli.main()
