/** A firing alert, in a line. */
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { formatSince } from "../common/format";

const COLOURS = { critical: "danger", warning: "warning", info: "info" };

export class Alert extends Component {
    static template = "odoo_telemetry.Alert";
    static props = { alert: Object };

    get colour() {
        return COLOURS[this.props.alert.severity];
    }

    get severity() {
        return { critical: _t("Critical"), warning: _t("Warning"), info: _t("Info") }[this.props.alert.severity];
    }

    get since() {
        return formatSince(this.props.alert.since);
    }
}
