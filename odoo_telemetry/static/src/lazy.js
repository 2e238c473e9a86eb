/** The pages of Telemetry and its item in the systray: what they consist of is loaded when one is first shown. */
import { Component, xml } from "@odoo/owl";
import { LazyComponent } from "@web/core/assets";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

function lazy(name) {
    return class extends Component {
        static components = { LazyComponent };
        static template = xml`
            <LazyComponent bundle="'odoo_telemetry.assets_pages'" Component="'${name}'" props="props"/>`;
        static props = ["*"];
    };
}

for (const name of ["odoo_telemetry.overview", "odoo_telemetry.metrics"]) {
    registry.category("actions").add(name, lazy(name));
}
if (session.telemetry_alerts) {
    registry
        .category("systray")
        .add("odoo_telemetry.alerts", { Component: lazy("odoo_telemetry.alerts") }, { sequence: 60 });
}
