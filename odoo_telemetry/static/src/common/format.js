/** Figures as people read them. */
import { _t } from "@web/core/l10n/translation";

const { Duration, Settings, DateTime } = luxon;

function number(value, digits, options = {}) {
    return new Intl.NumberFormat(Settings.defaultLocale, { maximumFractionDigits: digits, ...options }).format(value);
}

const FORMATS = {
    count: (value) => number(value, 0),
    decimal: (value) => number(value, 1),
    percent: (value) => number(value, 1, { style: "unit", unit: "percent" }),
    seconds: (value) => _t("%s s", number(value, value < 1 ? 3 : 1)),
    duration: (value) => {
        const duration = Duration.fromObject({ seconds: value }).shiftTo("days", "hours", "minutes", "seconds");
        const [unit, next] = ["days", "hours", "minutes", "seconds"].filter((unit) => Math.floor(duration[unit]));
        const shown = Object.fromEntries(
            [unit || "seconds", next].filter(Boolean).map((unit) => [unit, Math.floor(duration[unit])]),
        );
        return Duration.fromObject(shown).toHuman({ unitDisplay: "short" });
    },
};

/** Return `value` (number or null) in words; `unit` is a key of FORMATS. */
export function format(value, unit) {
    return value === null || value === undefined ? _t("no data") : FORMATS[unit](value);
}

/** Return a moment (seconds since 1970) as an axis shows it, with the day where the span has several. */
export function formatTime(moment, several) {
    return DateTime.fromSeconds(moment).toFormat(several ? "ccc HH:mm" : "HH:mm");
}

/** Return how long ago a moment (ISO 8601) was. */
export function formatSince(moment) {
    return DateTime.fromISO(moment).toRelative();
}
