// How money, times, distances and names are written: in the reader's language, by the clock of the place.
import { boot, now } from "./boot.js";

/** @type {Map<string, Intl.NumberFormat>} */
const monies = new Map();

/** @param {string} currency */
function moneyFormat(currency) {
  let made = monies.get(currency);
  if (!made) {
    try {
      made = new Intl.NumberFormat(undefined, { style: "currency", currency, currencyDisplay: "narrowSymbol" });
    } catch {
      made = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2 });
    }
    monies.set(currency, made);
  }
  return made;
}

/**
 * An amount as the APIs with decimal money give it.
 * @param {number | null | undefined} amount @param {string | null} [currency]
 */
export const money = (amount, currency) =>
  amount === null || amount === undefined ? "–" : moneyFormat(currency || boot.currency).format(amount);

/**
 * An amount in minor units, as sockets and the provider's API give it.
 * @param {number | null | undefined} minor @param {string | null} [currency]
 */
export function minorMoney(minor, currency) {
  if (minor === null || minor === undefined) return "–";
  const format = moneyFormat(currency || boot.currency);
  return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

const numbers = new Intl.NumberFormat();
/** @param {number | null | undefined} value */
export const number = (value) => (value === null || value === undefined ? "–" : numbers.format(value));

/** A number and its noun: 1 technician, 2 technicians. @param {number} value @param {string} noun */
export const counted = (value, noun) => `${number(value)} ${noun}${value === 1 ? "" : "s"}`;

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const LOOKS = {
  clock: { hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short" },
  visit: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  whole: { dateStyle: "full", timeStyle: "long" },
  // The Swedes write times as the norm does.
  wall: { dateStyle: "short", timeStyle: "medium" },
};
/** @type {Map<string, Intl.DateTimeFormat>} */
const clocks = new Map();

/**
 * A moment by the clock of a place: of the house, where none is named. Where it is read does not matter.
 * @param {string} look @param {number} at @param {string | null} [timezone]
 */
function written(look, at, timezone) {
  const key = `${look} ${timezone || boot.timezone}`;
  let made = clocks.get(key);
  if (!made) {
    const language = look === "wall" ? "sv" : undefined;
    try {
      made = new Intl.DateTimeFormat(language, { ...LOOKS[look], timeZone: timezone || boot.timezone });
    } catch {
      made = new Intl.DateTimeFormat(language, LOOKS[look]);
    }
    clocks.set(key, made);
  }
  return made.format(at);
}

/** @typedef {string | number | Date | null | undefined} Moment */

/** @param {Moment} moment */
const ms = (moment) => (moment === null || moment === undefined ? NaN : moment instanceof Date ? +moment : typeof moment === "number" ? moment : Date.parse(moment));

/** The time of the day. @param {Moment} moment @param {string | null} [timezone] */
export const clockTime = (moment, timezone) => (Number.isNaN(ms(moment)) ? "–" : written("clock", ms(moment), timezone));

/** The day: today, tomorrow, yesterday, or its date. @param {Moment} moment @param {string | null} [timezone] */
export function day(moment, timezone) {
  const at = ms(moment);
  if (Number.isNaN(at)) return "–";
  const apart = (Date.parse(isoDay(at, timezone)) - Date.parse(isoDay(now(), timezone))) / 86_400_000;
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[apart] ?? written("day", at, timezone);
}

/** Day and time, short. @param {Moment} moment @param {string | null} [timezone] */
export const dayTime = (moment, timezone) => (Number.isNaN(ms(moment)) ? "–" : `${day(moment, timezone)}, ${clockTime(moment, timezone)}`);

/** The date and the time of a visit. @param {string} moment @param {string | null} [timezone] */
export const visitTime = (moment, timezone) => written("visit", Date.parse(moment), timezone);

/** Everything, for a title; it names the clock. @param {Moment} moment @param {string | null} [timezone] */
export const wholeTime = (moment, timezone) => (Number.isNaN(ms(moment)) ? "" : written("whole", ms(moment), timezone));

/** What calendar and clock show, as fields take it: 2026-01-05T10:30:00. @param {Moment} moment @param {string | null} [timezone] */
export const wallTime = (moment, timezone) => written("wall", ms(moment), timezone).replace(" ", "T");

/** The day of the calendar: 2026-01-05. @param {Moment} moment @param {string | null} [timezone] */
export const isoDay = (moment, timezone) => wallTime(moment, timezone).slice(0, 10);

/** When the clock shows this, in unix milliseconds: the way back from `wallTime`. @param {string} wall @param {string | null} [timezone] */
export function momentAt(wall, timezone) {
  const there = Date.parse(`${wall}Z`);
  /** @param {number} at */
  const ahead = (at) => Date.parse(`${wallTime(at, timezone)}Z`) - at;
  // Twice, because the clock may change between here and there.
  return there - ahead(there - ahead(there));
}

/** 45 s, 12 min, 3 h 5 min, 4 d. @param {number} seconds */
export function duration(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86_400) return s % 3600 < 60 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86_400)} d`;
}

/** 3:07, for what runs out. @param {number} seconds */
export function countdown(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  return s >= 3600 ? duration(s) : `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
}

/** How long ago, or in how long. @param {Moment} moment */
export function ago(moment) {
  const s = (now() - ms(moment)) / 1000;
  if (Number.isNaN(s)) return "–";
  if (Math.abs(s) < 2) return "now";
  return s > 0 ? `${duration(s)} ago` : `in ${duration(-s)}`;
}

/** Seconds from now until then; negative when it is past. @param {Moment} moment */
export const secondsUntil = (moment) => (ms(moment) - now()) / 1000;

/** @param {number | null | undefined} metres */
export const distance = (metres) =>
  metres === null || metres === undefined ? "–" : metres < 950 ? `${Math.round(metres / 10) * 10} m` : `${(metres / 1000).toFixed(metres < 9950 ? 1 : 0)} km`;

/** Short words that are written large. */
const LARGE = new Map(["id", "ip", "otp", "url", "upi", "pan", "ifsc", "vat", "pdf"].map((word) => [word, word === "url" ? "address" : word.toUpperCase()]));

/** partner_assigned: Partner assigned. @param {string | null | undefined} code */
export const words = (code) => {
  const text = (code ?? "").replaceAll(/[_.]+/g, " ").trim().split(" ").map((word) => LARGE.get(word) ?? word).join(" ");
  return text ? text[0]?.toUpperCase() + text.slice(1) : "–";
};
