/** The onboarding tour of Telemetry: it begins when its overview is first opened; the record in data/ says where. */
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("odoo_telemetry", {
    steps: () => [
        {
            trigger: ".o_telemetry_span button:last-child",
            content: _t("Choose a longer period."),
            run: "click",
        },
        {
            trigger: "[data-menu-xmlid='odoo_telemetry.menu_metrics']",
            content: _t("All metrics are listed here."),
            run: "click",
        },
        {
            trigger: ".o_telemetry_search",
            content: _t("Find a metric by its name."),
            run: "edit registration",
        },
    ],
});
