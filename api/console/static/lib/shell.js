// What every page is put into: the bar on top, signing in, and who is signed in.
import { boot } from "./boot.js";
import { effect, every, onEnd, scoped, signal } from "./state.js";
import { fill, h, said } from "./dom.js";
import { client, Problem } from "./api.js";
import { openSession } from "./session.js";
import { duration } from "./format.js";
import { sentenceOf } from "./problems.js";
import { failed, loading, trouble } from "./view.js";

/** @typedef {import("./session.js").Kind} Kind */
/** @typedef {import("./session.js").Session} Session */
/** @typedef {import("./dom.js").Child} Child */
/**
 * @typedef {object} Context what a page has to work with
 * @property {Session} session
 * @property {import("./api.js").Client} api
 * @property {any} me
 * @property {(permission: string) => boolean} can whether a member of staff may, such as "dispatch:write"
 */

const ME = { admin: "/v1/admin/auth/me", technician: "/v1/partner/auth/me", customer: "/v1/auth/me" };

/**
 * Draws a page for those who are signed in as `kind`, and the way to sign in for others: with a password, unless `signIn`
 * is another. `show` gives the page's body; `bar` what stands in the middle of the bar on top.
 * @param {{kind: Kind, title: string, show: (context: Context) => Child, bar?: (context: Context) => Child, signIn?: SignIn}} page
 */
export function openPage(page) {
  const session = openSession(page.kind);
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  document.body.dataset.kind = page.kind;
  /** @type {(() => void) | null} */
  let end = null;
  /** @param {() => Child} work */
  const put = (work) => {
    end?.();
    [, end] = scoped(() => fill(root, work()));
  };
  effect(() => {
    if (!session.isOpen()) return put(() => signIn(page.kind, page.title, session, page.signIn ?? passwordStep));
    const api = client(session);
    put(() => [topBar(page.title, null, null), h("main", { class: "page" }, loading())]);
    let tries = 0;
    const enter = () => api.get(ME[page.kind]).then(
      (me) => {
        const context = { session, api, me, can: (/** @type {string} */ permission) => may(me, permission) };
        put(() => [topBar(page.title, context, page.bar?.(context)), page.show(context)]);
      },
      (error) => session.isOpen() && put(() => [topBar(page.title, null, null), h("main", { class: "page" }, failed(error, enter, ++tries))]),
    );
    return void enter();
  });
}

/** @param {any} me @param {string} permission */
function may(me, permission) {
  const [resource, level] = permission.split(":");
  const held = me.permissions?.[resource ?? ""] ?? me.permissions?.["*"] ?? [];
  return Array.isArray(held) ? held.includes(level) || held.includes("write") : held === level || held === "write";
}

/** @param {string} title @param {Context | null} context @param {Child} middle */
function topBar(title, context, middle) {
  return h("header", { class: "top" },
    h("a", { class: "skip", href: "#main" }, "To the content"),
    h("span", { class: "brand" }, boot.brand, h("span", { class: "brand-page" }, title)),
    h("div", { class: "top-middle" }, middle),
    context && h("details", { class: "account" },
      h("summary", { "aria-label": "Account" }, h("span", { class: "avatar", "aria-hidden": "true" }, initials(context.me.name ?? context.me.email)), h("span", { class: "account-name" }, said(context.me.name ?? context.me.email ?? context.me.phone_number))),
      h("div", { class: "menu" },
        h("p", { class: "faint" }, said(context.me.email ?? context.me.phone_number), context.me.role && h("span", { class: "chip" }, context.me.role)),
        h("button", { onclick: () => context.session.end() }, "Sign out"),
      ),
    ),
  );
}

/** @param {string | null | undefined} name */
const initials = (name) => (/\p{L}/u.exec(name ?? "")?.[0] ?? "?").toUpperCase();

/** @typedef {(step: () => Child) => void} Turn puts the next step of signing in into the place of this one */
/** @typedef {(session: Session, turn: Turn) => Child} SignIn the first step */

/** @param {Kind} kind @param {string} title @param {Session} session @param {SignIn} first */
function signIn(kind, title, session, first) {
  const place = h("div", { class: "stack" });
  let end = () => {};
  /** @type {Turn} */
  const turn = (step) => {
    end();
    [, end] = scoped(() => fill(place, step()));
    place.querySelector("input")?.focus();
  };
  [, end] = scoped(() => fill(place, first(session, turn)));
  onEnd(() => end());
  const ending = session.ending();
  const why = signal("");
  if (ending !== null) import("./endings.js").then((m) => why.set(m.endingWords(ending)), () => why.set("You were signed out."));
  return h("main", { class: "sign-in", id: "main" },
    ending !== null && h("p", { class: "notice warn", role: "alert" }, why),
    h("div", { class: "card" }, h("p", { class: "brand" }, boot.brand), h("h1", null, title), place),
    boot.env === "development" && oneClick(kind, session),
  );
}

/** Seconds that run down, also while the phone sleeps. @param {number} [seconds] */
export function waiting(seconds = 0) {
  const until_ms = signal(Date.now() + seconds * 1000);
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  return {
    left_s: () => (tick(), Math.max(0, Math.ceil((until_ms() - Date.now()) / 1000))),
    /** @param {number} seconds */
    begin: (seconds) => until_ms.set(Date.now() + seconds * 1000),
  };
}

/**
 * A form that says what went wrong, does nothing twice, and waits for as long as the server says unless what is sent changes.
 * @param {string} action @param {() => Promise<unknown>} work @param {...Child} inside
 */
export function step(action, work, ...inside) {
  const wrong = trouble();
  const isBusy = signal(false);
  const wait = waiting();
  const send = async () => {
    if (isBusy.peek() || wait.left_s()) return;
    isBusy.set(true);
    wrong.set(null);
    try {
      await work();
    } catch (error) {
      wrong.set(error);
      wait.begin((error instanceof Problem && error.retry_after_s) || 0);
    } finally {
      isBusy.set(false);
    }
  };
  return h("form", { class: "form", onsubmit: (/** @type {Event} */ e) => (e.preventDefault(), void send()), oninput: () => wait.begin(0) },
    inside, wrong.line,
    () => wait.left_s() > 0 && h("p", { class: "help", role: "timer" }, `You can try again in ${duration(wait.left_s())}.`),
    h("button", { class: "primary wide", disabled: () => isBusy() || wait.left_s() > 0 }, action));
}

/** @param {string} label @param {Record<string, any>} props @returns {[HTMLElement, HTMLInputElement]} */
export function labelled(label, props) {
  const input = h("input", { required: true, ...props, id: `in-${props.name}` });
  return [h("div", { class: "field" }, h("label", { for: input.id }, label), input), input];
}

/** @param {Session} session @param {Turn} turn */
function passwordStep(session, turn) {
  const [mailField, mail] = labelled("E-mail", { name: "email", type: "email", autocomplete: "username", maxlength: 254 });
  const [passField, password] = labelled("Password", { name: "password", type: "password", autocomplete: "current-password", maxlength: 256 });
  const api = client(null);
  return step("Sign in", async () => {
    try {
      const got = await api.post("/v1/admin/auth/login", { email: mail.value, password: password.value });
      session.begin(got, got.admin?.name);
    } catch (error) {
      const challenge = error instanceof Problem && error.code === "totp_required" && error.details.challenge;
      if (!challenge) throw error;
      turn(() => codeStep(session, challenge));
    }
  }, mailField, passField);
}

/** @param {Session} session @param {string} challenge */
function codeStep(session, challenge) {
  const [field, code] = labelled("Code of your authenticator app", { name: "code", inputmode: "text", autocomplete: "one-time-code", minlength: 6, maxlength: 32 });
  return step("Continue", async () => {
    const got = await client(null).post("/v1/admin/auth/totp", { challenge, code: code.value });
    session.begin(got, got.admin?.name);
  }, field, h("p", { class: "help" }, "A recovery code does as well."));
}

/** The demonstration's people, in development. @param {Kind} kind @param {Session} session */
function oneClick(kind, session) {
  const place = h("div", { class: "card quiet" }, loading());
  const api = client(null);
  /** @param {{kind: string, name: string, label: string}} person */
  const enter = async (person) => session.begin(await api.post("/console/people", { kind: person.kind, name: person.name }), person.label);
  api.get("/console/people").then(
    (people) => {
      const fitting = people.filter((/** @type {any} */ p) => p.kind === kind);
      fill(place, h("h2", null, "Development: sign in as"), h("div", { class: "people" }, fitting.map((/** @type {any} */ p) => h("button", { onclick: () => enter(p) }, said(p.label)))));
      if (!fitting.length) place.remove();
    },
    () => place.remove(),
  );
  return place;
}
