// A dashboard: its title, its variables, and its panels in the grid that Grafana gives them.
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

import { Panel } from "./panel.jsx";
import { variables } from "./prometheus.js";

const { createTheme, rangeUtil, ThemeContext } = require("@grafana/data");
const { GlobalStyles } = require("@grafana/ui");

// Grafana's grid: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const PADDING = 16;
// Narrower than this, it puts one panel below the other.
const NARROW = 769;

function place({ x, y, w, h }, narrow) {
  const column = (document.documentElement.clientWidth - 2 * PADDING + GAP) / COLUMNS;
  return {
    width: Math.round((narrow ? COLUMNS : w) * column - GAP),
    height: h * (ROW + GAP) - GAP,
    ...(!narrow && { position: "absolute", left: PADDING + x * column, top: y * (ROW + GAP) }),
  };
}

function Dashboard({ dashboard, context }) {
  const narrow = document.documentElement.clientWidth < NARROW;
  const panels = [...dashboard.panels].sort(({ gridPos: a }, { gridPos: b }) => a.y - b.y || a.x - b.x);
  const bottom = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * (ROW + GAP) + PADDING;
  return (
    <>
      <header>
        <h1>{dashboard.title}</h1>
        {dashboard.templating.list.map(({ name, label }) => (
          <span key={name} className="variable"><b>{label || name}</b> {context.known[name].text}</span>
        ))}
        <span className="variable"><b>Time</b> {rangeUtil.describeTimeRange(context.range.raw)}</span>
      </header>
      <main className={narrow ? "narrow" : undefined} style={narrow ? undefined : { height: bottom }}>
        {panels.map((panel) => {
          const { width, height, ...where } = place(panel.gridPos, narrow);
          return (
            <div key={panel.id} style={{ ...where, width, height }}>
              {panel.type === "row"
                ? <h2 className="row">{panel.title}</h2>
                : <Panel {...{ panel, context, width, height }} />}
            </div>
          );
        })}
      </main>
    </>
  );
}

async function draw() {
  const { dashboard, sources } = await (await fetch("/dashboard.json")).json();
  const range = rangeUtil.convertRawToRange(dashboard.time);
  const context = { sources, range, known: variables(dashboard.templating.list) };
  const root = createRoot(document.getElementById("page"));
  const show = (content) => flushSync(() => root.render(
    <ThemeContext.Provider value={createTheme({ colors: { mode: "dark" } })}>
      <GlobalStyles />
      {content}
    </ThemeContext.Provider>,
  ));
  show(null);
  // a chart draws its axes once, with the font that is there by then
  await Promise.all([400, 500].map((weight) => document.fonts.load(`${weight} 12px Inter`)));
  show(<Dashboard {...{ dashboard, context }} />);
}

draw();
