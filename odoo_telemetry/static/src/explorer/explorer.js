/** The page Telemetry, Metrics: all that is exported, and each metric's series. */
import { Component, onWillStart, useState } from "@odoo/owl";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { SmallChart } from "../common/chart";

const CHARTED = 12;
const LONGEST = 22;

/** Return `text` as far as a chart has room for it; the table below has all of it. */
function shorten(text) {
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

export class Explorer extends Component {
    static template = "odoo_telemetry.Explorer";
    static components = { CopyButton, Layout, SmallChart };
    static props = { ...standardActionServiceProps };

    setup() {
        this.orm = useService("orm");
        this.search = useAutofocus();
        this.kinds = { counter: _t("Counter"), gauge: _t("Gauge"), histogram: _t("Histogram") };
        this.groups = {
            fast: _t("Calls to other services"),
            system: _t("Odoo itself"),
            business: _t("Business"),
        };
        this.copy = _t("Copy");
        this.copied = _t("Copied");
        const text = this.props.action.params?.search || "";
        this.state = useState({ metrics: [], text, kind: "", group: "", chosen: "", failure: "" });
        onWillStart(() => this.read());
    }

    async read() {
        try {
            this.state.metrics = await this.orm.call("telemetry.metric", "read_metrics", []);
            this.state.failure = "";
        } catch (error) {
            this.state.failure = error.data?.message || error.message;
        }
    }

    /** The metrics that match each word of what was searched, and the filters. */
    get shown() {
        const { metrics, text, kind, group } = this.state;
        const words = text.toLowerCase().split(/\s+/);
        return metrics.filter((metric) => {
            const all = `${metric.name} ${metric.specification || ""} ${metric.help}`.toLowerCase();
            return (
                (!kind || metric.kind === kind) &&
                (!group || metric.group === group) &&
                words.every((word) => all.includes(word))
            );
        });
    }

    get found() {
        return _t("Metrics found: %s", this.shown.length);
    }

    choose(name) {
        this.state.chosen = name;
    }

    get chosen() {
        const { shown } = this;
        return shown.find(({ name }) => name === this.state.chosen) || shown[0];
    }

    get series() {
        return this.chosen.series.toSorted((one, other) => other.value - one.value);
    }

    /** The series as bars, if there are some to compare; of a histogram, the means. */
    get chart() {
        const histogram = this.chosen.kind === "histogram";
        const series = this.series.slice(0, CHARTED);
        return {
            kind: "funnel",
            labels: series.map(({ labels }) => shorten(Object.values(labels).join(" "))),
            unit: histogram ? "seconds" : "decimal",
            limit: false,
            series: [
                {
                    role: "main",
                    label: histogram ? _t("Mean") : _t("Value"),
                    values: series.map(({ value, mean }) => (histogram ? mean : value)),
                },
            ],
        };
    }

    get facts() {
        const { kind, group, unit, specification } = this.chosen;
        return [
            { label: _t("Kind"), value: this.kinds[kind] || kind },
            { label: _t("Group"), value: this.groups[group] },
            { label: _t("Unit"), value: unit },
            { label: _t("Specified as"), value: specification },
        ].filter(({ value }) => value);
    }

    get valueName() {
        return this.chosen.kind === "histogram" ? _t("Observations") : _t("Value");
    }

    name(labels) {
        return Object.entries(labels)
            .map(([label, value]) => `${label}=${value}`)
            .join(", ");
    }

    labels() {
        return Object.keys(this.chosen.series[0]?.labels || {});
    }

    figure(value) {
        return value === null
            ? ""
            : new Intl.NumberFormat(luxon.Settings.defaultLocale, { maximumFractionDigits: 6 }).format(value);
    }
}

registry.category("lazy_components").add("odoo_telemetry.metrics", Explorer);
