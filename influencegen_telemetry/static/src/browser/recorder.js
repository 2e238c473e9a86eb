import { session } from "@web/session";

/** What a page measures waits here for the next batch to the server; the server says whether it is wanted, and signs. */

const INTAKE = "/influencegen_telemetry/browser";
const MILLISECONDS_BETWEEN = 5000;
const MOST_IN_A_BATCH = 50;
const LONGEST_SECONDS = 600;
const SAMPLE = "influencegen_telemetry_sample";

const { token, valid_seconds, sample_percent } = session.influencegen_telemetry || {};
let values = [];
let timer;
let hidden = document.hidden && !document.prerendering ? performance.now() : -1;

/**
 * Return a function that does what `work` does and never fails: measuring must not break a page.
 *
 * @param {Function} work
 */
export function safely(work) {
    return (...given) => {
        try {
            return work(...given);
        } catch (error) {
            console.debug("influencegen_telemetry:", error);
        }
    };
}

/** Whether this tab is measured: a tab is measured in all its pages or in none. */
export const measured = safely(() => {
    sessionStorage[SAMPLE] ??= Math.random() * 100;
    return token && sessionStorage[SAMPLE] < sample_percent;
})();

/**
 * Take a value for the next batch.
 *
 * @param {"page"|"action"|"interaction"|"lcp"|"inp"|"cls"} kind
 * @param {string} name of the action or the interaction, else empty
 * @param {number} value in seconds; a layout shift has no unit
 */
export function record(kind, name, value) {
    if (value >= 0 && value <= LONGEST_SECONDS && performance.now() < valid_seconds * 1000) {
        values.push([kind, name, value]);
        timer ??= setTimeout(flush, MILLISECONDS_BETWEEN);
        if (values.length === MOST_IN_A_BATCH) {
            flush();
        }
    }
}

/**
 * Return whether the page could be seen ever since `moment`: browsers slow down one that can't, and nobody waits for it.
 *
 * @param {number} moment in milliseconds since the page's beginning; of a prerendered page since its activation
 */
export function seenSince(moment) {
    return moment > hidden;
}

document.addEventListener("visibilitychange", (event) => {
    if (document.hidden) {
        hidden = event.timeStamp;
    }
});

/** Send what waits, now. */
export function flush() {
    clearTimeout(timer);
    timer = undefined;
    if (values.length) {
        navigator.sendBeacon(INTAKE, JSON.stringify({ token, values }));
        values = [];
    }
}
