/** One question of an administrator, and its answer. */
import { Component } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { SmallChart } from "../common/chart";
import { format } from "../common/format";
import { Alert } from "../systray/alert";

export class Tile extends Component {
    static template = "influencegen_telemetry.Tile";
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

    get show() {
        return _t("Show: %s", this.props.tile.action.name);
    }

    /** What is said of the state, and the colour it is said in. */
    get state() {
        const { firing, state, target } = this.props.tile;
        if (firing) {
            return { text: firing === 1 ? _t("1 alert fires") : _t("%s alerts fire", firing), colour: "danger" };
        }
        return {
            good: { text: _t("On target"), colour: "success" },
            bad: { text: _t("Off target"), colour: "warning" },
            none: { text: target ? _t("Nothing to judge") : _t("No target"), colour: "secondary" },
        }[state];
    }
}
