/* global webVitals */
import { submitted } from "./forms";
import { flush, measured, record, safely, seenSince } from "./recorder";

/** The load of the page itself, and its web vitals. */

let vitals = {};

/** A prerendered page is waited for since its activation; one in a background tab is not. */
function loaded() {
    const { activationStart = 0, loadEventEnd } = performance.getEntriesByType("navigation")[0];
    const form = submitted();
    if (!seenSince(activationStart)) {
        return;
    }
    const seconds = Math.max(0, loadEventEnd - activationStart) / 1000;
    record("page", "", seconds);
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
    const shown = () => {
        if (document.readyState === "complete") {
            loadedSoon();
        } else {
            addEventListener("load", loadedSoon);
        }
    };
    if (document.prerendering) {
        document.addEventListener("prerenderingchange", shown);
    } else {
        shown();
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
