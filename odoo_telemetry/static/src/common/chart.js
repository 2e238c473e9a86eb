/** A small chart, drawn by Odoo's own Chart.js in the colours of the page around it, light or dark. */
import { Component, onWillStart, onWillUnmount, useEffect, useRef, xml } from "@odoo/owl";
import { loadBundle } from "@web/core/assets";
import { format, formatTime } from "./format";

const DAY = 86_400;
// by Odoo's own theme: what differs in lightness as well can be told apart without colours
const ROLES = { main: "--primary", good: "--primary", bad: "--warning" };
const LINES = ["--primary", "--warning", "--info", "--danger"];

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

    /** What the chart shows, for who can't see it. */
    get summary() {
        const { series, unit, labels } = this.props.chart;
        const told = series.map(({ label, values }) =>
            labels
                ? labels.map((name, index) => `${name} ${format(values[index], unit)}`).join(", ")
                : `${label} ${format(
                      values.findLast((value) => value !== null),
                      unit,
                  )}`,
        );
        return `${this.props.title}: ${told.join(", ")}`;
    }

    get labels() {
        const { labels, times } = this.props.chart;
        const several = times && times.at(-1) - times[0] > DAY;
        return labels || times.map((moment) => formatTime(moment, several));
    }

    draw() {
        this.drawn?.destroy();
        const style = getComputedStyle(this.canvas.el);
        const { kind, series, limit, unit, labels } = this.props.chart;
        const line = kind === "line";
        const datasets = series.map(({ label, values, role }, index) => {
            const colour = style.getPropertyValue(role ? ROLES[role] : LINES[index % LINES.length]).trim();
            return {
                label,
                data: values,
                backgroundColor: colour,
                borderColor: colour,
                borderWidth: line ? 2 : 0,
                pointRadius: values.length > 1 ? 0 : 3,
                maxBarThickness: 24,
            };
        });
        if (limit) {
            const colour = style.getPropertyValue("--danger").trim();
            datasets.push({
                data: this.labels.map(() => limit),
                borderColor: colour,
                borderDash: [4, 4],
                borderWidth: 1,
                pointRadius: 0,
            });
        }
        const grid = { color: style.getPropertyValue("--border-color").trim() };
        const figures = {
            beginAtZero: true,
            stacked: !line,
            grid,
            suggestedMax: 1,
            ticks: {
                color: style.color,
                maxTicksLimit: 4,
                precision: unit === "count" ? 0 : undefined,
                callback: (value) => format(value, unit),
            },
        };
        const names = {
            stacked: !line,
            grid: { display: false },
            ticks: { color: style.color, maxTicksLimit: labels ? 12 : 4, maxRotation: 0 },
        };
        this.drawn = new Chart(this.canvas.el, {
            type: line ? "line" : "bar",
            data: { labels: this.labels, datasets },
            options: {
                animation: false,
                maintainAspectRatio: false,
                indexAxis: labels ? "y" : "x",
                interaction: { mode: "index", intersect: false, axis: labels ? "y" : "x" },
                scales: labels ? { x: figures, y: names } : { x: names, y: figures },
                plugins: {
                    legend: {
                        display: series.length > 1,
                        labels: { color: style.color, boxWidth: 12, filter: ({ text }) => text },
                    },
                    tooltip: {
                        filter: ({ dataset }) => dataset.label,
                        callbacks: { label: ({ dataset, raw }) => `${dataset.label}: ${format(raw, unit)}` },
                    },
                },
            },
        });
    }
}
