// Days of the business, as the API names them.

const short = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
/** 26 Nov. @param {string} day */
export const dayText = (day) => short.format(Date.parse(`${day}T00:00:00Z`));

const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });
/** Nov 2026. @param {string} day */
export const monthText = (day) => month.format(Date.parse(`${day}T00:00:00Z`));
