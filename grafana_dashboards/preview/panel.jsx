// One panel: its queries are asked, and what they answer is drawn with Grafana's own components.
import { useEffect, useState } from "react";

import { frames as ask, interpolate } from "./prometheus.js";

const {
  applyFieldOverrides, FieldType, getDisplayValueAlignmentFactors, getFieldDisplayValues, rangeUtil, VizOrientation,
} = require("@grafana/data");
const { BarGauge, BigValue, PanelChrome, TimeSeries, useTheme2, VizRepeater } = require("@grafana/ui");

// What Grafana's time series panel takes for granted.
const TIME_SERIES = {
  drawStyle: "line", lineInterpolation: "linear", lineWidth: 1, fillOpacity: 0, gradientMode: "none", pointSize: 5,
  showPoints: "auto", spanNulls: false, axisPlacement: "auto", axisColorMode: "text", axisBorderShow: false,
  axisCenteredZero: false, barAlignment: 0, barWidthFactor: 0.6, scaleDistribution: { type: "linear" },
  stacking: { mode: "none", group: "A" }, thresholdsStyle: { mode: "off" },
  hideFrom: { legend: false, tooltip: false, viz: false },
};

/** A panel of the given size in pixels; its element says in data-state whether it is done, empty or has an error. */
export function Panel({ panel, context: { range, ...rest }, width, height }) {
  const theme = useTheme2();
  const [context] = useState({ ...rest, range: panel.timeFrom ? last(panel.timeFrom) : range });
  const [{ state, frames, message }, setOutcome] = useState({ state: "loading" });
  useEffect(() => {
    answers(panel, { ...context, width, theme })
      .then((frames) => setOutcome({ state: hasValues(frames) ? "done" : "empty", frames }))
      .catch((error) => setOutcome({ state: "error", message: error.message }));
  }, []);
  const title = interpolate(panel.title, context.known, "text");
  return (
    <div data-panel={title} data-type={panel.type} data-state={state} data-message={message}>
      <PanelChrome title={title} description={panel.description} width={width} height={height} statusMessage={message}>
        {(width, height) => {
          const Drawing = DRAWINGS[panel.type];
          return state === "done"
            ? <Drawing {...{ panel, frames, context, theme, width, height }} />
            : <Nothing text={{ empty: panel.fieldConfig.defaults.noValue ?? "No data", error: message }[state]} />;
        }}
      </PanelChrome>
    </div>
  );
}

function last(duration) {
  return rangeUtil.convertRawToRange({ from: `now-${duration}`, to: "now" });
}

async function answers(panel, context) {
  if (!DRAWINGS[panel.type]) {
    throw new Error(`The preview can't draw a ${panel.type}.`);
  }
  const asked = await Promise.all(panel.targets.map((target) => ask(target, context)));
  return configured(asked.flat(), panel, context.theme);
}

/** Return the frames with the units, colours, names and so on that the panel wants for their fields. */
function configured(frames, panel, theme) {
  const { defaults, overrides } = panel.fieldConfig;
  const config = { ...defaults, custom: { ...(panel.type === "timeseries" && TIME_SERIES), ...defaults.custom } };
  return applyFieldOverrides({
    data: frames.map((frame) => ({
      ...frame,
      fields: frame.fields.map((field) => ({ ...field, config: { ...config, ...field.config, ...thresholds(config) } })),
    })),
    fieldConfig: { defaults: {}, overrides },
    fieldConfigRegistry: { list: () => [], getIfExists: property },
    replaceVariables: (text) => text,
    theme,
  });
}

/** A property that an override sets: "unit" of the field, or "custom.width" of what its panel makes of it. */
function property(id) {
  const isCustom = id.startsWith("custom.");
  const path = isCustom ? id.slice("custom.".length) : id;
  return { isCustom, path, process: (value) => (id === "thresholds" ? thresholds({ thresholds: value }).thresholds : value) };
}

/** JSON has no infinity: the lowest step has null there. */
function thresholds({ thresholds }) {
  return thresholds && {
    thresholds: { ...thresholds, steps: thresholds.steps.map((step) => ({ ...step, value: step.value ?? -Infinity })) },
  };
}

function hasValues(frames) {
  return frames.some(({ fields }) =>
    fields.some(({ type, values }) => type === FieldType.number && values.some((value) => value !== null && !isNaN(value))));
}

function Nothing({ text }) {
  return <div className="nothing">{text}</div>;
}

function Series({ panel, frames, context, width, height }) {
  const { legend } = panel.options;
  return (
    <TimeSeries frames={frames} legend={{ calcs: [], ...legend }} options={panel.options} timeRange={context.range}
      timeZone="browser" width={width} height={height} />
  );
}

/** Stat and bar gauge: a drawing for each value that is left of the series. */
function values(Single) {
  return ({ panel, frames, theme, width, height }) => {
    const { options, fieldConfig } = panel;
    const wanted = () => getFieldDisplayValues({
      data: frames, fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: (text) => text, theme,
      sparkline: options.graphMode === "area",
    });
    return (
      <VizRepeater getValues={wanted} source={frames} width={width} height={height} renderCounter={1}
        getAlignmentFactors={getDisplayValueAlignmentFactors} autoGrid={true}
        orientation={options.orientation ?? VizOrientation.Auto} itemSpacing={8}
        minVizWidth={options.minVizWidth} minVizHeight={options.minVizHeight} maxVizHeight={options.maxVizHeight}
        renderValue={(place) => <Single {...place} {...{ options, theme }} />} />
    );
  };
}

const Stat = values(({ value: { display, sparkline }, width, height, count, alignmentFactors, options, theme }) => (
  <BigValue value={display} sparkline={sparkline} width={width} height={height} count={count} theme={theme}
    alignmentFactors={alignmentFactors} colorMode={options.colorMode} graphMode={options.graphMode}
    justifyMode={options.justifyMode} textMode={options.textMode} text={options.text} />
));

const Bars = values(({ value: { display, field }, width, height, orientation, alignmentFactors, options, theme }) => (
  <BarGauge value={display} field={field} display={field.display} width={width} height={height} theme={theme}
    orientation={orientation} alignmentFactors={alignmentFactors} displayMode={options.displayMode}
    valueDisplayMode={options.valueMode} namePlacement={options.namePlacement} showUnfilled={options.showUnfilled}
    text={options.text} itemSpacing={8} lcdCellWidth={12} />
));

const DRAWINGS = { timeseries: Series, stat: Stat, bargauge: Bars };
