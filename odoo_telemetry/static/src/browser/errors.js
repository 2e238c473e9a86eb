import { measured, record, safely } from "./recorder";

/** Uncaught errors of scripts; those of one second count once. What they say stays in the browser. */

/** Odoo itself reports refusals by the server and lost connections to users; leaving a page aborts its requests. */
const EXPECTED = /RPC|Connection|Abort/;
const MILLISECONDS_BETWEEN = 1000;

let next = 0;

/** Other sites' scripts, and what a browser only warns of, have no `error`. */
const failed = safely(({ error, reason = error, timeStamp }) => {
    for (let cause = reason; cause; cause = cause.cause) {
        if (EXPECTED.test(cause.name + cause.constructor.name)) {
            return;
        }
    }
    if (reason?.stack && timeStamp > next) {
        next = timeStamp + MILLISECONDS_BETWEEN;
        record("error", "script", 1);
    }
});

if (measured) {
    addEventListener("error", failed);
    addEventListener("unhandledrejection", failed);
}
