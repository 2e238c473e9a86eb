/** Alerts that fire, as a list: worst first. */
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { formatSince } from "../common/format";

const COLOURS = { critical: "danger", warning: "warning", info: "info" };

export class AlertList extends Component {
    static template = "influencegen_telemetry.AlertList";
    static props = { alerts: Array };

    setup() {
        this.severities = { critical: _t("Critical"), warning: _t("Warning"), info: _t("Info") };
        this.colours = COLOURS;
        this.since = formatSince;
    }
}
