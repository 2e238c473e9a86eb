/** The page Telemetry, Metrics: all that is exported, and each metric's series. */
import { Component, onWillStart, useEffect, useState } from "@odoo/owl";
import { CopyButton } from "@web/core/copy_button/copy_button";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useAutofocus, useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { Layout } from "@web/search/layout";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { SmallChart } from "../common/chart";
import { bars } from "../common/bars";

const TYPING = 300;
const NOTHING = { chart: false, what: "", more: 0, message: false };

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
            system: _t("Odoo"),
            business: _t("Business"),
        };
        this.copy = _t("Copy");
        this.copied = _t("Copied");
        const text = this.props.action.params?.search || "";
        this.state = useState({
            metrics: [],
            text,
            kind: "",
            group: "",
            chosen: "",
            failure: "",
            span: "hour",
            reads: 0,
        });
        this.spans = { hour: _t("Last hour"), today: _t("Today"), week: _t("7 days") };
        this.history = useState({ ...NOTHING, busy: true });
        const readHistory = useDebounced(() => this.readHistory(), TYPING);
        onWillStart(() => this.read());
        useEffect(
            (name, span, reads, isMonitored) => {
                Object.assign(this.history, NOTHING, { busy: isMonitored });
                if (isMonitored) {
                    readHistory();
                }
            },
            () => [this.chosen?.name, this.state.span, this.state.reads, this.isMonitored],
        );
    }

    /** Whether Prometheus can be asked how the metric developed. */
    get isMonitored() {
        return Boolean(this.chosen?.links.Prometheus);
    }

    async readHistory() {
        const asked = [this.chosen?.name, this.state.span];
        let history;
        try {
            history = await this.orm.silent.call("telemetry.metric", "read_history", asked);
        } catch (error) {
            history = { message: error.data?.message || error.message };
        }
        // an answer about what is no longer shown is of no use
        if (asked[0] === this.chosen?.name && asked[1] === this.state.span) {
            Object.assign(this.history, NOTHING, history, { busy: false });
        }
    }

    async read() {
        try {
            this.state.metrics = await this.orm.call("telemetry.metric", "read_metrics", []);
            this.state.failure = "";
            this.state.reads++;
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
        return bars(
            histogram ? _t("Mean") : _t("Value"),
            histogram && this.chosen.unit === "seconds" ? "seconds" : "number",
            this.series.map(({ labels, value, mean }) => [Object.values(labels), histogram ? mean : value]),
        );
    }

    get more() {
        return _t("and %s more series", this.history.more);
    }

    get facts() {
        const { kind, group, unit, specification } = this.chosen;
        return [
            { label: _t("Type"), value: this.kinds[kind] || kind },
            { label: _t("Group"), value: this.groups[group] },
            { label: _t("Unit"), value: unit },
            { label: _t("Name in the project's specification"), value: specification },
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

    number(value) {
        return value === null
            ? ""
            : new Intl.NumberFormat(luxon.Settings.defaultLocale, { maximumFractionDigits: 6 }).format(value);
    }
}

registry.category("lazy_components").add("odoo_telemetry.metrics", Explorer);
