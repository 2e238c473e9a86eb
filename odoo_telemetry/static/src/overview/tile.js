/** One question of an administrator, and its answer. */
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { SmallChart } from "../common/chart";
import { format, formatChange } from "../common/format";
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

    /** How the value compares with that of the previous period; better and worse differ in words, too. */
    get comparison() {
        const { comparison } = this.props.tile;
        if (!comparison) {
            return null;
        }
        const { change, points, before, unit, period, subject, state } = comparison;
        const text = _t("%(change)s vs. %(period)s (%(before)s)", {
            change: formatChange(change, points),
            period,
            before: format(before, unit),
        });
        return {
            text: subject ? _t("%(subject)s: %(text)s", { subject, text }) : text,
            judgement: { good: _t("better"), bad: _t("worse") }[state],
            colour: { good: "success", bad: "danger" }[state] || "body",
            icon: change > 0 ? "arrow-up" : change < 0 ? "arrow-down" : "minus",
        };
    }

    runbookOf(alert) {
        return _t("Runbook: %s", alert.summary);
    }

    /** What is said of the state, with an icon and its colour. */
    get state() {
        const { firing, state, target } = this.props.tile;
        if (firing) {
            return {
                text: firing === 1 ? _t("1 firing alert") : _t("%s firing alerts", firing),
                colour: "danger",
                icon: "bell",
            };
        }
        return {
            good: { text: _t("Target met"), colour: "success", icon: "check-circle" },
            bad: { text: _t("Target missed"), colour: "warning", icon: "exclamation-triangle" },
            none: { text: target ? _t("No data") : _t("No target"), colour: "body", icon: "circle-o" },
        }[state];
    }
}
