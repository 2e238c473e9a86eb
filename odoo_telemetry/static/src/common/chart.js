/** A small chart, drawn by Odoo's own Chart.js in the colours of the page around it, light or dark. */
import { Component, onWillStart, onWillUnmount, useEffect, useRef, xml } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { format, formatTime } from "./format";
import { roundTimes, valueStep } from "./steps";

const DAY = 86_400;
// by Odoo's own theme: what differs in lightness as well can be distinguished without colours
const ROLES = { main: "--primary", good: "--primary", bad: "--warning" };
const LINES = ["--primary", "--warning", "--info", "--danger"];
const DASHED = [6, 3];

export class SmallChart extends Component {
    static template = xml`
        <div class="o_telemetry_chart" t-att-class="{ o_telemetry_chart_high: props.high }">
            <canvas t-ref="canvas" role="img" t-att-aria-label="summary"/>
        </div>`;
    static props = { chart: Object, title: String, high: { type: Boolean, optional: true } };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [JSON.stringify(this.props.chart)],
        );
        onWillUnmount(() => this.drawn?.destroy());
    }

    /** What the chart shows, for screen readers. */
    get summary() {
        const { series, unit, labels } = this.props.chart;
        const descriptions = series.map(({ label, values }) =>
            labels
                ? labels.map((name, index) => `${name} ${format(values[index], unit)}`).join(", ")
                : `${label} ${format(
                      values.findLast((value) => value !== null),
                      unit,
                  )}`,
        );
        return `${this.props.title}: ${descriptions.join(", ")}`;
    }

    /** Return a moment as the chart names it. */
    time(moment) {
        const { times, range } = this.props.chart;
        const [first, last] = range || [times[0], times.at(-1)];
        return formatTime(moment, last - first > DAY);
    }

    /** The axis of values, in round steps. */
    get valueAxis() {
        const { kind, series, limit, unit } = this.props.chart;
        const stacked = kind !== "line";
        const heights = stacked
            ? series[0].values.map((_value, index) => series.reduce((sum, { values }) => sum + (values[index] || 0), 0))
            : series.flatMap(({ values }) => values);
        const ends = [0, limit || 0, ...heights];
        const range = Math.max(...ends) - Math.min(...ends) || 1;
        const step = valueStep(range, unit);
        return {
            beginAtZero: true,
            stacked,
            suggestedMax: Math.max(...ends) || 1,
            ticks: {
                stepSize: step,
                callback: (value) => format(value, unit === "seconds" && step >= 60 ? "duration" : unit),
            },
        };
    }

    /** The axis of names, or of time in round steps. */
    get nameAxis() {
        const { kind, labels, times, range } = this.props.chart;
        const grid = { display: false };
        if (labels) {
            return { stacked: true, grid, ticks: { maxTicksLimit: 12, maxRotation: 0 } };
        }
        const [first, last] = range || [times[0], times.at(-1)];
        const most = this.props.high ? 8 : 4;
        const rounds = first < last ? roundTimes(first, last, most) : times;
        if (kind === "line") {
            return {
                type: "linear",
                grid,
                ...(first < last ? { min: first, max: last } : {}),
                afterBuildTicks: (axis) => (axis.ticks = rounds.map((value) => ({ value }))),
                ticks: { maxRotation: 0, callback: (value) => this.time(value) },
            };
        }
        return {
            stacked: true,
            grid,
            afterBuildTicks: (axis) => (axis.ticks = axis.ticks.filter(({ value }) => rounds.includes(times[value]))),
            ticks: { maxRotation: 0, callback: (index) => this.time(times[index]) },
        };
    }

    draw() {
        this.drawn?.destroy();
        const style = getComputedStyle(this.canvas.el);
        const { kind, series, limit, unit, labels, times, legend } = this.props.chart;
        const line = kind === "line";
        const colourOf = (name) => style.getPropertyValue(name).trim();
        const points = (values) => (line ? values.map((y, index) => ({ x: times[index], y })) : values);
        const datasets = series.map(({ label, values, role }, index) => {
            const colour = colourOf(role ? ROLES[role] : LINES[index % LINES.length]);
            return {
                label,
                data: points(values),
                backgroundColor: colour,
                borderColor: colour,
                borderDash: index < LINES.length ? [] : DASHED,
                borderWidth: line ? 2 : 0,
                pointRadius: values.filter((value) => value !== null).length > 1 ? 0 : 3,
                maxBarThickness: 24,
            };
        });
        if (limit) {
            datasets.push({
                data: points((labels || times).map(() => limit)),
                borderColor: colourOf("--danger"),
                borderDash: [4, 4],
                borderWidth: 1,
                pointRadius: 0,
            });
        }
        const [values, names] = [this.valueAxis, this.nameAxis];
        values.grid = { color: colourOf("--border-color") };
        values.ticks.color = names.ticks.color = style.color;
        this.drawn = new Chart(this.canvas.el, {
            type: line ? "line" : "bar",
            data: { labels: line ? undefined : labels || times, datasets },
            options: {
                animation: false,
                maintainAspectRatio: false,
                indexAxis: labels ? "y" : "x",
                interaction: { mode: "index", intersect: false, axis: labels ? "y" : "x" },
                scales: labels ? { x: values, y: names } : { x: names, y: values },
                plugins: {
                    legend: {
                        display: legend || series.length > 1,
                        labels: { color: style.color, boxWidth: 12, filter: ({ text }) => text },
                    },
                    tooltip: {
                        filter: ({ dataset }) => dataset.label,
                        callbacks: {
                            title: ([{ dataIndex }]) => (labels ? labels[dataIndex] : this.time(times[dataIndex])),
                            label: ({ dataset, raw }) => `${dataset.label}: ${format(line ? raw.y : raw, unit)}`,
                        },
                    },
                },
            },
        });
    }
}
