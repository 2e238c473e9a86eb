import { interactionOf, measured, safely } from "./recorder";

/** A form that opens a page is an interaction which ends when that page is loaded: its name is handed over to there. */

const MILLISECONDS_TO_BEGIN = 5000;

/** Return the name of the form whose sending opened this page, if one did; only once. */
export function submitted() {
    const [name, time] = JSON.parse(sessionStorage.odoo_telemetry_submitted || "[]");
    delete sessionStorage.odoo_telemetry_submitted;
    return performance.timeOrigin - time < MILLISECONDS_TO_BEGIN && name;
}

if (measured) {
    addEventListener(
        "submit",
        safely((event) => {
            const name = interactionOf(new URL(event.target.action, location).pathname);
            if (name && !event.defaultPrevented) {
                sessionStorage.odoo_telemetry_submitted = JSON.stringify([name, Date.now()]);
            }
        }),
    );
}
