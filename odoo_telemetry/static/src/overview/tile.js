/** One question of an administrator, and its answer. */
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { SmallChart } from "../common/chart";
import { format } from "../common/format";
import { Alert } from "../systray/alert";

export class Tile extends Component {
    static template = "odoo_telemetry.Tile";
    static components = { Alert, SmallChart };
    static props = { tile: Object, open: Function };

    get value() {
        return format(this.props.tile.value, this.props.tile.unit);
    }

    get details() {
        return this.props.tile.details.map(([label, value, unit]) => ({
            label,
            value: unit === "text" ? "" : format(value, unit),
        }));
    }

    get more() {
        return _t("and %s more", this.props.tile.alerts.length - 4);
    }

    get show() {
        return _t("Show: %s", this.props.tile.action.name);
    }

    get dashboard() {
        return _t("Dashboard in Grafana: %s", this.props.tile.title);
    }

    runbookOf(alert) {
        return _t("Runbook: %s", alert.summary);
    }

    /** What is said of the state, with an icon and its colour. */
    get state() {
        const { firing, state, target } = this.props.tile;
        if (firing) {
            return {
                text: firing === 1 ? _t("1 alert fires") : _t("%s alerts fire", firing),
                colour: "danger",
                icon: "bell",
            };
        }
        return {
            good: { text: _t("On target"), colour: "success", icon: "check-circle" },
            bad: { text: _t("Off target"), colour: "warning", icon: "exclamation-triangle" },
            none: { text: target ? _t("Nothing to judge") : _t("No target"), colour: "body", icon: "circle-o" },
        }[state];
    }
}
