from odoo import http


class Exporter(http.Controller):
    @http.route("/metrics", type="http", auth="none", methods=["GET"], save_session=False)
    def metrics(self):
        """Answer scrapes as another exporter would; its name comes before telemetry's."""
        return "another_exporter_up 1\n"
