/** The onboarding tour of Telemetry. */
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("influencegen_telemetry", {
    url: "/odoo",
    steps: () => [
        {
            isActive: ["auto", "community", "desktop"],
            trigger: ".o_navbar_apps_menu button:enabled",
            tooltipPosition: "bottom",
            run: "click",
        },
        {
            trigger: ".o_app[data-menu-xmlid='influencegen_telemetry.menu_telemetry']",
            content: _t("See how the platform does."),
            run: "click",
        },
        {
            trigger: ".o_telemetry_tile[data-name='registrations'] .o_telemetry_value",
            content: _t("Each tile answers one question."),
        },
        {
            trigger: ".o_telemetry_span button[data-span='week']",
            content: _t("Look further back."),
            run: "click",
        },
        {
            trigger: ".o_main_navbar [data-menu-xmlid='influencegen_telemetry.menu_metrics']",
            content: _t("Each figure that is measured is here."),
            run: "click",
        },
        {
            trigger: ".o_telemetry_search",
            content: _t("Find a metric by a part of its name."),
            run: "edit registration",
        },
        {
            trigger: ".o_telemetry_metric[data-name='influencer_registration_attempts_total']",
            content: _t("Choose one."),
            run: "click",
        },
        {
            trigger: ".o_telemetry_promql",
            content: _t("Copy the query, and ask Prometheus more."),
        },
    ],
});
