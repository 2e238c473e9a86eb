import { session } from "@web/session";

/** What a page measures waits here for the next batch; the server decides if it is wanted, and signs the token. */

const MILLISECONDS_BETWEEN = 5000;
const MOST_IN_A_BATCH = 50;
const LONGEST_SECONDS = 600;

const { token, valid_seconds, sample_percent } = session.odoo_telemetry || {};
let values = [];
let timer;
let hidden = document.hidden && !document.prerendering ? 0 : -1;

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
            console.debug("odoo_telemetry:", error);
        }
    };
}

/** Whether this tab is measured: a tab is measured in all its pages or in none. */
export const measured = safely(() => {
    sessionStorage.odoo_telemetry_sample ??= Math.random() * 100;
    return token && sessionStorage.odoo_telemetry_sample < sample_percent;
})();

/**
 * Take a value for the next batch, unless the page was hidden meanwhile: browsers slow it down, and nobody waits for it.
 *
 * @param {"page"|"action"|"interaction"|"error"|"lcp"|"inp"|"cls"} kind
 * @param {string} name of the action, the interaction or the kind of error; "soft" of a soft navigation; else empty
 * @param {number} value in seconds; a layout shift has no unit, and an error is 1
 * @param {number} begun when it began, in milliseconds since the page did; not given if being hidden does not matter
 */
export function record(kind, name, value, begun) {
    if (!(begun <= hidden) && value >= 0 && value <= LONGEST_SECONDS && performance.now() / 1000 < valid_seconds) {
        values.push([kind, name, value]);
        timer ??= setTimeout(flush, MILLISECONDS_BETWEEN);
        if (values.length === MOST_IN_A_BATCH) {
            flush();
        }
    }
}

/** Send what waits, now; a page that is hidden sends what it has. */
export function flush() {
    hidden = document.hidden ? performance.now() : hidden;
    timer = clearTimeout(timer);
    if (values.length) {
        navigator.sendBeacon("/telemetry/browser", JSON.stringify({ token, values }));
        values = [];
    }
}
