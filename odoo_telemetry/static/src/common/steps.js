/** Round steps of axes. */
const DAY = 86_400;
const TIMES = [
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/** Return the step (number) of an axis of values over `range` in at most `most` steps; `unit` as of `format`. */
export function valueStep(range, unit, most = 4) {
    const least = range / most;
    if (unit.startsWith("bytes") && least > 1) {
        return 2 ** Math.ceil(Math.log2(least));
    }
    if (["seconds", "duration"].includes(unit) && least > 30) {
        return timeStep(range, most);
    }
    const power = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999);
    return unit === "count" ? Math.max(1, step) : Number(step.toPrecision(12));
}

/** Return the step of an axis of time, in seconds, over `range` seconds in at most `most` steps. */
export function timeStep(range, most) {
    return TIMES.find((step) => range / step <= most) || Math.ceil(range / most / DAY) * DAY;
}

/** Return the moments between `first` and `last` (seconds since 1970) that are round in the user's time zone. */
export function roundTimes(first, last, most) {
    const step = timeStep(last - first, most);
    const offset = luxon.DateTime.fromSeconds(first).offset * 60;
    const times = [];
    for (let time = Math.ceil((first + offset) / step) * step - offset; time <= last; time += step) {
        times.push(time);
    }
    return times;
}
