/** The page Telemetry, Overview. */
import { Component, useState } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { useRefresh } from "../common/refresh";
import { Tile } from "./tile";

const MODEL = "telemetry.overview";

export class Overview extends Component {
    static template = "odoo_telemetry.Overview";
    static components = { Layout, Tile };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ span: "today", tiles: [], failure: "", busy: true });
        this.spans = { hour: _t("Last hour"), today: _t("Today"), week: _t("7 days") };
        useRefresh(() => this.refresh());
    }

    /**
     * Show what Odoo knows, and what monitoring adds: at first one after the other, later at the same time. A failure
     * leaves what was shown.
     */
    async refresh() {
        const { span } = this.state;
        this.state.busy = true;
        try {
            const known = this.orm.silent.call(MODEL, "read_tiles", [span]);
            const monitored = this.orm.silent.call(MODEL, "read_monitoring", [span]);
            monitored.catch(() => {}); // the first failure is reported
            const tiles = await known;
            if (span === this.state.span && !this.state.tiles.length) {
                this.state.tiles = tiles;
            }
            const added = await monitored;
            if (span === this.state.span) {
                this.state.tiles = tiles.map((tile) => ({ ...tile, ...added[tile.name] }));
                Object.assign(this.state, { failure: "", busy: false });
            }
        } catch (error) {
            if (span === this.state.span) {
                Object.assign(this.state, { failure: error.data?.message || error.message, busy: false });
            }
        }
    }

    choose(span) {
        this.state.span = span;
        this.refresh();
    }

    open(action) {
        this.action.doAction(action);
    }
}

registry.category("lazy_components").add("odoo_telemetry.overview", Overview);
