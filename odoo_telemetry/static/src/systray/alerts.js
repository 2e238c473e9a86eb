/** The item of the systray: how many alerts are firing, and which. */
import { Component, useState } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { Dropdown } from "@web/core/dropdown/dropdown";
import { DropdownItem } from "@web/core/dropdown/dropdown_item";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useRefresh } from "../common/refresh";
import { Alert } from "./alert";

export class Alerts extends Component {
    static template = "odoo_telemetry.Alerts";
    static components = { Alert, Dropdown, DropdownItem };
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({ alerts: [], message: "" });
        useRefresh(() => this.refresh());
    }

    async refresh() {
        try {
            Object.assign(this.state, await this.orm.silent.call("telemetry.alert", "read_firing", []));
        } catch (error) {
            this.state.message = error.data?.message || error.message;
        }
    }

    get title() {
        const count = this.state.alerts.length;
        return this.state.message || (count ? _t("Firing alerts: %s", count) : _t("No firing alerts"));
    }

    /** Show what to do about an alert, or else the overview. */
    open(runbook) {
        if (runbook) {
            browser.open(runbook, "_blank", "noopener");
        } else {
            this.action.doAction("odoo_telemetry.overview_action", { clearBreadcrumbs: true });
        }
    }
}

registry.category("lazy_components").add("odoo_telemetry.alerts", Alerts);
