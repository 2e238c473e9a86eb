/* global webVitals */
import { submitted } from "./forms";
import { flush, measured, record, safely } from "./recorder";

/** The load of the page itself, and its web vitals. */

let vitals = {};

function loaded() {
    const seconds = performance.getEntriesByType("navigation")[0].loadEventEnd / 1000;
    record("page", "", seconds);
    const form = submitted();
    if (form) {
        record("interaction", form, seconds);
    }
}

/** The vitals are what they are when the page is first left; the session may be another one a moment later. */
function left() {
    for (const [name, value] of Object.entries(vitals ?? {})) {
        record(name, "", name === "cls" ? value : value / 1000);
    }
    vitals = undefined;
    flush();
}

const watch = safely(() => {
    const loadedSoon = () => setTimeout(safely(loaded));
    if (document.readyState === "complete") {
        loadedSoon();
    } else {
        addEventListener("load", loadedSoon);
    }
    for (const name of ["LCP", "INP", "CLS"]) {
        webVitals[`on${name}`](
            ({ value }) => {
                if (vitals) {
                    vitals[name.toLowerCase()] = value;
                }
            },
            { reportAllChanges: true }
        );
    }
    for (const type of ["beforeunload", "pagehide"]) {
        addEventListener(type, safely(left));
    }
    document.addEventListener("visibilitychange", () => document.hidden && safely(left)());
});

if (measured) {
    watch();
}
