import { measured, safely } from "./recorder";

/** A form that opens a page is an interaction which ends when that page is loaded: page.js takes its name from here. */

/**
 * The forms that are interactions: [pattern of the path that a form is sent to, name]. Addons push theirs, and declare
 * the names on the server.
 */
export const forms = [[/\/web\/login$/, "log_in"]];

/** Remember the form for the page that it opens now, after `seconds` in which a script has sent it. */
export function opensPage(form, seconds = 0) {
    const { pathname } = new URL(form.action, location);
    const known = forms.find(([pattern]) => pattern.test(pathname));
    if (measured && known) {
        sessionStorage.odoo_telemetry_submitted = JSON.stringify([Date.now(), known[1], seconds]);
    }
}

if (measured) {
    addEventListener(
        "submit",
        safely((event) => event.defaultPrevented || opensPage(event.target)),
    );
}
