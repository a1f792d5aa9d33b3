// What would have been sent: every SMS, e-mail and push as it would look. In development only.
import { boot } from "../lib/boot.js";
import { client } from "../lib/api.js";
import { computed, every, scoped, signal } from "../lib/state.js";
import { fill, h, rows, said } from "../lib/dom.js";
import { view, empty } from "../lib/view.js";
import { dayTime, wholeTime } from "../lib/format.js";
import { query, setQuery } from "../lib/address.js";

const EVERY_MS = 2500;
const CHANNELS = /** @type {[string, string][]} */ ([["", "All"], ["sms", "SMS"], ["email", "E-mail"], ["push", "Push"]]);

const api = client(null);
/** @param {any} message */
const at = (message) => h("time", { title: wholeTime(message.created_at), class: "faint" }, () => (message.state === "pending" ? "leaving" : message.state === "dead" ? "given up" : dayTime(message.created_at)));

/** @type {Record<string, (message: any) => HTMLElement>} */
const LOOKS = {
  sms: (m) => h("article", { class: "sms" },
    h("header", null, h("strong", { class: "tabular" }, said(m.recipient)), at(m)),
    h("p", { class: "bubble" }, linked(m.body))),
  email: (m) => h("article", { class: "letter card" },
    h("header", null, h("div", null, h("strong", null, said(m.subject)), h("p", { class: "faint" }, boot.brand, " to ", said(m.recipient))), at(m)),
    h("p", { class: "letter-text" }, linked(m.body))),
  push: (m) => h("article", { class: "push" },
    h("span", { class: "push-icon", "aria-hidden": "true" }, [...boot.brand][0] ?? ""),
    h("div", null, h("header", null, h("strong", null, said(m.data?.title ?? boot.brand)), at(m)), h("p", null, said(m.data?.message ?? m.body)), h("p", { class: "faint" }, "to ", said(m.recipient)))),
};

/** Text with its links as links. @param {string} text */
function linked(text) {
  return h("bdi", { class: "said" }, text.split(/(https?:\/\/[^\s]+[^\s.,;:!?)])/).map((part, n) => (n % 2 ? h("a", { href: part, rel: "noreferrer" }, part) : part)));
}

function page() {
  const turn = signal(0);
  every(EVERY_MS, () => !document.hidden && turn.update((n) => n + 1));
  const wishes = computed(() => query().toString());
  const messages = signal(/** @type {any[]} */ ([]));
  const [place] = view(async (abort) => {
    turn();
    const asked = Object.fromEntries(new URLSearchParams(wishes()));
    return api.get("/console/outbox", { to: asked.to, channel: asked.channel }, abort);
  }, (found) => {
    messages.set(found);
    return found.length ? null : empty("Nothing has been sent", wishes() ? "Nothing fits." : "Codes, letters and pushes appear here as they leave.");
  });
  const list = h("div", { class: "messages" });
  rows(list, messages, (m) => `${m.id}:${m.state}`, (m) => (LOOKS[m().channel] ?? LOOKS.sms)?.(m()) ?? h("article", null));
  return [
    h("header", { class: "top" }, h("span", { class: "brand" }, boot.brand, h("span", { class: "brand-page" }, "Outbox")), h("div", { class: "top-middle" }, h("span", { class: "chip warn" }, "Development"))),
    h("main", { class: "page narrow stack", id: "main" },
      h("h1", null, "What would have been sent"),
      h("div", { class: "filters" },
        h("label", { class: "filter search" }, h("span", null, "To"), h("input", { type: "search", value: query().get("to") ?? "", placeholder: "a phone or an address", maxlength: 254, onchange: (/** @type {any} */ e) => setQuery({ to: e.target.value.trim() }) })),
        h("div", { class: "pick", role: "group", "aria-label": "Kind" }, CHANNELS.map(([value, label]) => h("button", { "aria-pressed": () => String((new URLSearchParams(wishes()).get("channel") ?? "") === value), onclick: () => setQuery({ channel: value }) }, label)))),
      list, place),
  ];
}

scoped(() => fill(/** @type {HTMLElement} */ (document.getElementById("app")), page()));
