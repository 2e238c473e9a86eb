/* global webVitals */
import { submitted } from "./forms";
import { flush, measured, record, safely } from "./recorder";

/** The load of the page itself, and its web vitals. */

let vitals = {};

/** A prerendered page is waited for since its activation; one from the back/forward cache, without an entry, is not. */
function loaded({ entries: [{ activationStart = 0, loadEventEnd } = {}] }) {
    const seconds = Math.max(0, loadEventEnd - activationStart) / 1000;
    record("page", "", seconds, activationStart);
    const form = submitted();
    if (form) {
        record("interaction", form, seconds, activationStart);
    }
}

/** The vitals are what they are when the page is first left; the session may be another one a moment later. */
function left() {
    for (const name in vitals) {
        record(name, "", vitals[name] / (name === "cls" ? 1 : 1000));
    }
    vitals = undefined;
    flush();
}

const watch = safely(() => {
    for (const name of ["LCP", "INP", "CLS"]) {
        webVitals[`on${name}`](
            ({ value }) => {
                if (vitals) {
                    vitals[name.toLowerCase()] = value;
                }
            },
            { reportAllChanges: true },
        );
    }
    // it waits for the load, and of a prerendered page for the activation
    webVitals.onTTFB(safely(loaded));
    for (const type of ["beforeunload", "pagehide"]) {
        addEventListener(type, safely(left));
    }
    document.addEventListener("visibilitychange", () => document.hidden && safely(left)());
});

if (measured) {
    watch();
}
