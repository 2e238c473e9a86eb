/* global webVitals */
import { flush, measured, record, safely } from "./recorder";

/** The load of the page itself and whether it stays blank; its web vitals, and those of views that are opened in it. */

const MILLISECONDS_TO_BEGIN = 5000;
const MILLISECONDS_TO_DRAW = 10000;

let vitals = {};

/** A web client that failed has drawn nothing, or has taken away what it drew. */
function checkBlank() {
    if (!document.body.innerText.trim() && !document.images[0]) {
        record("error", "blank", 1, 0);
    }
}

/** A prerendered page is timed from its activation; one from the back/forward cache, without an entry, is not timed. */
function loaded({ entries: [{ activationStart = 0, loadEventEnd } = {}] }) {
    const seconds = Math.max(0, loadEventEnd - activationStart) / 1000;
    record("page", "", seconds, activationStart);
    setTimeout(safely(checkBlank), MILLISECONDS_TO_DRAW);
    // the form whose sending opened this page (see forms.js), if one did
    const [time, form, sent] = JSON.parse(sessionStorage.odoo_telemetry_submitted || "[]");
    delete sessionStorage.odoo_telemetry_submitted;
    if (performance.timeOrigin - time < MILLISECONDS_TO_BEGIN) {
        record("interaction", form, sent + seconds, activationStart);
    }
}

/** The vitals are what they are when the page is first left; the session may be another one a moment later. */
function left() {
    for (const name in vitals) {
        record(name, "", vitals[name]);
    }
    vitals = undefined;
    flush();
}

const watch = safely(() => {
    for (const name of ["lcp", "inp", "cls"]) {
        const on = webVitals[`on${name.toUpperCase()}`];
        const unit = name === "cls" ? 1 : 1000;
        const take = ({ navigationType, value }) => {
            if (navigationType === "soft-navigation") {
                record(name, "soft", value / unit);
            } else if (vitals) {
                vitals[name] = value / unit;
            }
        };
        on(take, { reportAllChanges: true });
        // with this alone, those of the page itself would end with the first view that is opened in it
        on(take, { reportSoftNavs: true });
    }
    // it waits for the load, and for the activation of a prerendered page
    webVitals.onTTFB(safely(loaded));
    for (const type of ["beforeunload", "pagehide"]) {
        addEventListener(type, safely(left));
    }
    document.addEventListener("visibilitychange", () => document.hidden && safely(left)());
});

if (measured) {
    watch();
}
