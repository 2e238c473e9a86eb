/** Numbers as people read them. */
import { _t } from "@web/core/l10n/translation";

const { Duration, Settings, DateTime } = luxon;
const BYTES = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function number(value, digits, options = {}) {
    return new Intl.NumberFormat(Settings.defaultLocale, { maximumFractionDigits: digits, ...options }).format(value);
}

/** Return `value` to three significant digits, for what may be of any size. */
function short(value) {
    const options = { maximumSignificantDigits: 3, notation: Math.abs(value) < 10_000 ? "standard" : "compact" };
    return new Intl.NumberFormat(Settings.defaultLocale, options).format(value);
}

function bytes(value) {
    const power = Math.min(BYTES.length - 1, Math.max(0, Math.floor(Math.log2(Math.abs(value) || 1) / 10)));
    return `${short(value / 1024 ** power)} ${BYTES[power]}`;
}

const FORMATS = {
    count: (value) => number(value, 0),
    decimal: (value) => number(value, Math.abs(value) < 1 ? 3 : 1),
    number: short,
    percent: (value) => number(value, Math.abs(value) < 1 ? 3 : 1, { style: "unit", unit: "percent" }),
    ratio: (value) => FORMATS.percent(100 * value),
    bytes,
    seconds: (value) =>
        value && Math.abs(value) < 1 ? _t("%s ms", short(1000 * value)) : _t("%s s", number(value, 1)),
    duration: (value) => {
        const duration = Duration.fromObject({ seconds: value }).shiftTo("days", "hours", "minutes", "seconds");
        const [unit, next] = ["days", "hours", "minutes", "seconds"].filter((unit) => Math.floor(duration[unit]));
        const shown = Object.fromEntries(
            [unit || "seconds", next].filter(Boolean).map((unit) => [unit, Math.floor(duration[unit])]),
        );
        return Duration.fromObject(shown).toHuman({ unitDisplay: "short" });
    },
};

/** Return `value` (number or null) as text; `unit` is a key of FORMATS, with "/s" after it for a rate. */
export function format(value, unit) {
    if (value === null || value === undefined) {
        return _t("no data");
    }
    const [base, rate] = unit.split("/");
    const text = (FORMATS[base] || FORMATS.number)(value);
    return rate ? `${text}/${rate}` : text;
}

/** Return a change in percent, or in percentage points, with its sign. */
export function formatChange(change, points) {
    const digits = points || Math.abs(change) < 10 ? 1 : 0;
    const options = { signDisplay: "exceptZero" };
    return points
        ? _t("%s pp", number(change, digits, options))
        : number(change, digits, { ...options, style: "unit", unit: "percent" });
}

/** Return a moment (seconds since 1970) as an axis shows it, with the day where the span has several. */
export function formatTime(moment, several) {
    return DateTime.fromSeconds(moment).toFormat(several ? "ccc HH:mm" : "HH:mm");
}

/** Return how long ago a moment (ISO 8601) was. */
export function formatSince(moment) {
    return DateTime.fromISO(moment).toRelative();
}
