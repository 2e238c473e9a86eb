// Validates dashboards against the types that Grafana itself publishes: node validate.mjs <file.json>...
// Prints one line for each thing that is wrong, and ends with 1 if there is any.
import { readFileSync } from "node:fs";
import { defaultDashboard } from "@grafana/schema";
import { Ajv } from "ajv";
import { createGenerator } from "ts-json-schema-generator";

const TYPES = new URL("node_modules/@grafana/schema/dist/types/raw/", import.meta.url).pathname;
const PANELS = ["stat", "timeseries", "bargauge"];
// Grafana reads these of an annotation, and its types leave them to the data source
const OF_PROMETHEUS = ["expr", "step", "titleFormat", "textFormat", "tagKeys"];

function validator(file, type) {
  const generator = createGenerator({ path: TYPES + file, type, skipTypeCheck: true });
  return new Ajv({ allErrors: true, strict: false }).compile(generator.createSchema(type));
}

const dashboard = validator("dashboard/x/types.gen.d.ts", "Dashboard");
const options = {};
const custom = {};
for (const type of PANELS) {
  const file = `composable/${type}/panelcfg/x/types.gen.d.ts`;
  options[type] = validator(file, "Options");
  if (type === "timeseries") {
    custom[type] = validator(file, "FieldConfig");
  }
}

let wrong = 0;
function check(validate, value, where) {
  if (!validate(value)) {
    for (const error of validate.errors) {
      console.log(`${where}${error.instancePath}: ${error.message} ${JSON.stringify(error.params)}`);
      wrong += 1;
    }
  }
}

for (const path of process.argv.slice(2)) {
  const content = JSON.parse(readFileSync(path, "utf8"));
  for (const annotation of content.annotations.list) {
    for (const name of OF_PROMETHEUS) {
      delete annotation[name];
    }
  }
  check(dashboard, content, path);
  // an older one would be migrated whenever it is loaded, and a newer one not understood
  if (content.schemaVersion !== defaultDashboard.schemaVersion) {
    console.log(`${path}: schema version ${content.schemaVersion}, and Grafana's is ${defaultDashboard.schemaVersion}`);
    wrong += 1;
  }
  for (const panel of content.panels.filter((panel) => panel.type !== "row")) {
    const where = `${path}: "${panel.title}"`;
    check(options[panel.type], panel.options, `${where} options`);
    if (custom[panel.type]) {
      check(custom[panel.type], panel.fieldConfig.defaults.custom, `${where} custom`);
    }
  }
}
process.exit(wrong ? 1 : 0);
