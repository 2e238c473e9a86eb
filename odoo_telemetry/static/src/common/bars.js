/** Series as they are now, as a chart of bars. */
const CHARTED = 12;
const LONGEST = 22;

/** Return `text` as far as a chart can show it; the table below has all of it. */
function shorten(text) {
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** Return the chart of the first of `series`, a list of [label values, number]; `label` says what the numbers are. */
export function bars(label, unit, series) {
    const charted = series.slice(0, CHARTED);
    return {
        kind: "funnel",
        labels: charted.map(([values]) => shorten(values.join(" "))),
        unit,
        limit: false,
        series: [{ role: "main", label, values: charted.map(([, value]) => value) }],
    };
}
