import { measured, safely } from "./recorder";

/** A form that opens a page is an interaction which ends when that page is loaded: its name is handed over to there. */

const SUBMITTED = "influencegen_telemetry_submitted";
const MILLISECONDS_TO_BEGIN = 5000;
const FORMS = [
    [/\/web\/login$/, "log_in"],
    [/\/influencegen\/register$/, "register"],
    [/\/my\/influencegen\/kyc$/, "submit_document"],
    [/\/my\/influencegen\/images$/, "request_image"],
    [/\/my\/influencegen\/campaigns\/\d+\/apply$/, "apply"],
    [/\/my\/influencegen\/applications\/\d+\/content$/, "submit_content"],
];

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
            const path = new URL(event.target.action, location).pathname;
            const form = FORMS.find(([pattern]) => pattern.test(path));
            if (form && !event.defaultPrevented) {
                sessionStorage[SUBMITTED] = JSON.stringify([form[1], Date.now()]);
            }
        })
    );
}
