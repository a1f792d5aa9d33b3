// How customers and technicians sign in: with a code that is sent to their phone.
import { boot } from "../lib/boot.js";
import { client, Problem } from "../lib/api.js";
import { h, said } from "../lib/dom.js";
import { duration } from "../lib/format.js";
import { sentenceOf } from "../lib/problems.js";
import { labelled, step, waiting } from "../lib/shell.js";
import { signal } from "../lib/state.js";

/** @typedef {import("../lib/session.js").Session} Session */
/** @typedef {import("../lib/shell.js").Turn} Turn */

/** Before a code is sent again, the first may still be on its way. */
const RESEND_S = 30;

/** So long a code that was sent may be entered after a reload: phones forget a page while the message is read. */
const CODE_LASTS_MS = 300_000;

/** @param {Session} session */
const keyOf = (session) => `dispatch.code.${session.kind}`;

/**
 * To which number a code was sent from this tab, and how many seconds ago; null for none that is good.
 * @param {Session} session @returns {{phone: string, age_s: number} | null}
 */
function sentBefore(session) {
  const [at, phone] = (sessionStorage.getItem(keyOf(session)) ?? "").split(/ (.*)/);
  const age_ms = Date.now() - Number(at);
  return phone && age_ms >= 0 && age_ms < CODE_LASTS_MS ? { phone, age_s: age_ms / 1000 } : null;
}

/** @param {Session} session @param {string} phone */
async function sendKept(session, phone) {
  await client(null).post("/v1/auth/send-otp", { phone_number: phone, purpose: "login" });
  sessionStorage.setItem(keyOf(session), `${Date.now()} ${phone}`);
}

/** @param {Session} session @param {Turn} turn @param {string} [before] the number that was to be changed */
export function byPhone(session, turn, before = "") {
  const sent = before ? null : sentBefore(session);
  if (sent) return sentStep(session, turn, sent.phone, RESEND_S - sent.age_s);
  const [field, phone] = labelled("Phone number", { name: "phone", type: "tel", autocomplete: "tel", maxlength: 32, value: before });
  return step("Send me a code", async () => {
    // It may be corrected while the code is on its way to this one.
    const to = phone.value;
    await sendKept(session, to);
    turn(() => sentStep(session, turn, to));
  }, field);
}

/** @param {Session} session @param {Turn} turn @param {string} phone @param {number} [wait_s] before another may be asked for */
function sentStep(session, turn, phone, wait_s = RESEND_S) {
  const [field, code] = labelled("Code from the message", { name: "code", inputmode: "numeric", autocomplete: "one-time-code", maxlength: 12 });
  const wait = waiting(wait_s);
  const told = signal("");
  const again = async () => {
    wait.begin(RESEND_S);
    told.set("");
    try {
      await sendKept(session, phone);
      told.set("A new code is on its way; the one before it is no longer good.");
    } catch (error) {
      told.set(sentenceOf(error));
      wait.begin((error instanceof Problem && error.retry_after_s) || 0);
    }
    code.focus();
  };
  return [
    h("p", null, "A code was sent to ", h("strong", { class: "nowrap" }, said(phone)), "."),
    boot.env === "development" && h("p", { class: "help" }, "Nothing is really sent here: read the code in the ", h("a", { href: `/outbox?to=${encodeURIComponent(phone.replaceAll(/[\s()-]/g, ""))}`, target: "_blank" }, "outbox"), "."),
    step("Sign in", async () => {
      const [path, more] = session.kind === "technician" ? ["/v1/partner/auth/login", {}] : ["/v1/auth/verify-otp", { purpose: "login" }];
      const got = await client(null).post(path, { phone_number: phone, otp_code: code.value, ...more });
      sessionStorage.removeItem(keyOf(session));
      session.begin(got, got.partner?.name ?? got.user?.name);
    }, field),
    () => told() && h("p", { role: "status" }, told()),
    h("div", { class: "actions" },
      h("button", { type: "button", disabled: () => wait.left_s() > 0, onclick: again }, "Send the code again"),
      h("button", { type: "button", class: "link", onclick: () => (sessionStorage.removeItem(keyOf(session)), turn(() => byPhone(session, turn, phone))) }, "Change the number")),
    () => wait.left_s() > 0 && h("p", { class: "help", role: "timer" }, `You can have another code in ${duration(wait.left_s())}.`),
  ];
}
