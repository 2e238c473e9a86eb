/** The pages of Telemetry, its field and its item in the systray: what they consist of is loaded when one is first shown. */
import { Component, xml } from "@odoo/owl";
import { LazyComponent } from "@web/core/assets";
import { registry } from "@web/core/registry";
import { session } from "@web/session";

const lazy = (name) =>
    class extends Component {
        static components = { LazyComponent };
        static props = ["*"];
        static template = xml`<LazyComponent bundle="'odoo_telemetry.assets_pages'" Component="'odoo_telemetry.${name}'" props="props"/>`;
    };

for (const name of ["overview", "metrics"]) {
    registry.category("actions").add(`odoo_telemetry.${name}`, lazy(name));
}
registry
    .category("fields")
    .add("telemetry_series", { component: lazy("series"), supportedTypes: ["json"] });
if (session.telemetry_alerts) {
    registry
        .category("systray")
        .add("odoo_telemetry.alerts", { Component: lazy("alerts") }, { sequence: 60 });
}
