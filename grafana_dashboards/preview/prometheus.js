// Prometheus as Grafana queries it: variables, intervals, queries, and their results as data frames.
const { createDataFrame, FieldType, rangeUtil } = require("@grafana/data");

/** Return the saved values of a dashboard's variables, by name: the text that is shown, the value that queries use. */
export function variables(list) {
  return Object.fromEntries(
    list.map(({ name, current, allValue }) => {
      const all = [current.value].flat().includes("$__all");
      return [name, { text: [current.text].flat().join(", "), value: all ? allValue : current.value }];
    }),
  );
}

/** Replace $name and ${name} in a text; other names stay. */
export function interpolate(text, known, kind) {
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (match, braced, plain) => {
    return known[braced ?? plain]?.[kind] ?? match;
  });
}

/** Return the data frames of a panel's query; raise Error with Prometheus' error message. */
export async function frames(target, { known, sources, range, width }) {
  const source = interpolate(target.datasource.uid, known, "value");
  const apart = target.interval || sources[source];
  const { interval, intervalMs } = rangeUtil.calculateInterval(range, width, apart);
  const expression = interpolate(target.expr, { ...known, ...intervals(intervalMs, interval, apart, range) }, "value");
  const step = intervalMs / 1000;
  const end = range.to.valueOf() / 1000;
  if (target.instant) {
    const answer = await ask(source, "query", { query: expression, time: end });
    return instant(answer, target);
  }
  const start = Math.floor(range.from.valueOf() / 1000 / step) * step;
  const answer = await ask(source, "query_range", { query: expression, start, end, step });
  return answer.result.map((series) => overTime(series, target, start, end, step));
}

function intervals(milliseconds, interval, apart, range) {
  const seconds = Math.round((range.to.valueOf() - range.from.valueOf()) / 1000);
  // https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
  const least = rangeUtil.intervalToMs(apart);
  const rate = Math.max(milliseconds + least, 4 * least) / 1000;
  return {
    __interval: { value: interval },
    __interval_ms: { value: `${milliseconds}` },
    __rate_interval: { value: `${rate}s` },
    __range: { value: `${seconds}s` },
    __range_s: { value: `${seconds}` },
    __range_ms: { value: `${1000 * seconds}` },
  };
}

async function ask(source, path, parameters) {
  const response = await fetch(`/datasource/${source}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  const answer = await response.json();
  if (answer.status !== "success") {
    throw new Error(`${answer.error}: ${parameters.query ?? path}`);
  }
  return answer.data;
}

function overTime({ metric, values }, target, start, end, step) {
  const shown = new Map(values.map(([time, value]) => [Math.round(time * 1000), Number(value)]));
  // where Prometheus has nothing, a line has a gap
  const times = Array.from(
    { length: Math.floor((end - start) / step) + 1 },
    (_, index) => 1000 * (start + index * step),
  );
  return frame(
    metric,
    target,
    times,
    times.map((time) => shown.get(Math.round(time)) ?? null),
  );
}

function instant({ resultType, result }, target) {
  const series = resultType === "scalar" ? [{ metric: {}, value: result }] : result;
  return series.map(({ metric, value: [time, value] }) => frame(metric, target, [1000 * time], [Number(value)]));
}

function frame({ __name__: name, ...labels }, target, times, values) {
  const legend = target.legendFormat === "__auto" ? "" : target.legendFormat;
  const shown = legend?.replace(
    /\{\{\s*(\w+)\s*\}\}/g,
    (_, label) => (label === "__name__" ? name : labels[label]) ?? "",
  );
  return createDataFrame({
    refId: target.refId,
    name: shown || name,
    fields: [
      { name: "Time", type: FieldType.time, values: times },
      { name: "Value", type: FieldType.number, values, labels, config: shown ? { displayNameFromDS: shown } : {} },
    ],
  });
}
