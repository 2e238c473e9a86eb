// Prometheus as Grafana asks it: variables, intervals, queries, and their answers as data frames.
const { createDataFrame, FieldType, rangeUtil } = require("@grafana/data");

/**
 * Return the values of a dashboard's variables, by name: {text, regex}, both strings.
 * A variable has the value that the dashboard is saved with, or else all its values, or else its first.
 */
export async function variables(list, range) {
  const known = {};
  for (const variable of list) {
    const options = await optionsOf(variable, known, range);
    const saved = [variable.current?.value ?? []].flat().filter((value) => value !== "");
    const all = saved.includes("$__all") || (!saved.length && variable.includeAll);
    const values = all ? options : saved.length ? saved : options.slice(0, 1);
    known[variable.name] = {
      text: all ? "All" : values.join(" + "),
      regex: all && variable.allValue ? variable.allValue : alternatives(values, variable.multi || variable.includeAll),
    };
  }
  return known;
}

/** Replace $name and ${name} in a text; what no variable has as a name stays. */
export function interpolate(text, known, kind) {
  return text.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (match, braced, plain) => {
    return known[braced ?? plain]?.[kind] ?? match;
  });
}

/** Return the data frames that a panel's query has for an answer; raise Error with what Prometheus says of it. */
export async function frames(target, { known, sources, range, width, minimum }) {
  const source = interpolate(target.datasource.uid, known, "text");
  const scrape = sources[source];
  const least = target.interval || minimum || scrape;
  const { interval, intervalMs } = rangeUtil.calculateInterval(range, width, interpolate(least, known, "text"));
  const expression = interpolate(target.expr, { ...known, ...intervals(intervalMs, interval, scrape, range) }, "regex");
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

async function optionsOf(variable, known, range) {
  if (variable.type !== "query") {
    return (variable.query ?? "").split(",").map((option) => option.trim());
  }
  const text = interpolate(variable.query.query ?? variable.query, known, "regex");
  const [, series, label] = text.match(/^label_values\((?:(.+),\s*)?(\w+)\)$/) ?? [];
  if (!label) {
    throw new Error(`The variable ${variable.name} asks ${text}: the preview knows label_values alone.`);
  }
  const source = interpolate(variable.datasource.uid, known, "text");
  const limits = { start: range.from.valueOf() / 1000, end: range.to.valueOf() / 1000 };
  const values = await ask(source, `label/${label}/values`, { ...limits, ...(series && { "match[]": series }) });
  const wanted = new RegExp(variable.regex?.replace(/^\/|\/$/g, "") || ".*");
  return values.filter((value) => wanted.test(value));
}

function alternatives(values, several) {
  const escaped = several ? values.map((value) => value.replace(/[.*+?^${}()|[\]\\]/g, "\\\\$&")) : values;
  return escaped.length > 1 ? `(${escaped.join("|")})` : escaped.join("");
}

function intervals(milliseconds, interval, scrape, range) {
  const seconds = Math.round((range.to.valueOf() - range.from.valueOf()) / 1000);
  // https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/
  const apart = rangeUtil.intervalToMs(scrape);
  const rate = Math.max(milliseconds + apart, 4 * apart) / 1000;
  return {
    __interval: { regex: interval },
    __interval_ms: { regex: `${milliseconds}` },
    __rate_interval: { regex: `${rate}s` },
    __range: { regex: `${seconds}s` },
    __range_s: { regex: `${seconds}` },
    __range_ms: { regex: `${1000 * seconds}` },
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
  const told = new Map(values.map(([time, value]) => [Math.round(time * 1000), Number(value)]));
  // where Prometheus has nothing, a line has a gap
  const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => 1000 * (start + index * step));
  return frame(metric, target, times, times.map((time) => told.get(Math.round(time)) ?? null));
}

function instant({ resultType, result }, target) {
  const series = resultType === "scalar" ? [{ metric: {}, value: result }] : result;
  if (target.format !== "table") {
    return series.map(({ metric, value: [time, value] }) => frame(metric, target, [1000 * time], [Number(value)]));
  }
  if (!series.length) {
    return [];
  }
  const labels = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].sort();
  return [
    createDataFrame({
      refId: target.refId,
      fields: [
        { name: "Time", type: FieldType.time, values: series.map(({ value }) => 1000 * value[0]) },
        ...labels.map((label) => ({
          name: label, type: FieldType.string, values: series.map(({ metric }) => metric[label] ?? ""),
        })),
        { name: target.only ? "Value" : `Value #${target.refId}`, type: FieldType.number,
          values: series.map(({ value }) => Number(value[1])) },
      ],
    }),
  ];
}

function frame({ __name__: name, ...labels }, target, times, values) {
  const legend = target.legendFormat === "__auto" ? "" : target.legendFormat;
  const shown = legend?.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => (label === "__name__" ? name : labels[label]) ?? "");
  return createDataFrame({
    refId: target.refId,
    name: shown || name,
    fields: [
      { name: "Time", type: FieldType.time, values: times },
      { name: "Value", type: FieldType.number, values, labels,
        config: shown ? { displayNameFromDS: shown } : {} },
    ],
  });
}
