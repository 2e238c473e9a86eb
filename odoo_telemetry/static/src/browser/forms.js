import { interactionOf, measured, safely } from "./recorder";

/** A form that opens a page is an interaction which ends when that page is loaded: its name is handed over to there. */

const SUBMITTED = "odoo_telemetry_submitted";
const MILLISECONDS_TO_BEGIN = 5000;

/** Return the name of the form whose sending opened this page, if one did; only once. */
export function submitted() {
    const [name, time] = JSON.parse(sessionStorage[SUBMITTED] || "[]");
    delete sessionStorage[SUBMITTED];
    return performance.timeOrigin - time < MILLISECONDS_TO_BEGIN && name;
}

if (measured) {
    addEventListener(
        "submit",
        safely((event) => {
            const name = interactionOf(new URL(event.target.action, location).pathname);
            if (name && !event.defaultPrevented) {
                sessionStorage[SUBMITTED] = JSON.stringify([name, Date.now()]);
            }
        })
    );
}
