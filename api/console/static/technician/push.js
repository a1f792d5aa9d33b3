// Web Push: an offer reaches this phone while the page is closed, where the server has a key for it.

/** @typedef {import("../lib/api.js").Client} Client */

/**
 * Subscribes this browser and tells the server, where notices are allowed; `asks` for leave first (after a touch only).
 * What does not work changes nothing: offers come over the socket while the page is open.
 * @param {Client} api @param {boolean} asks
 */
export async function keepSubscribed(api, asks) {
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) return;
  try {
    const allowed = asks && Notification.permission === "default" ? await Notification.requestPermission() : Notification.permission;
    if (allowed !== "granted") return;
    const { public_key } = await api.get("/v1/partner/push-subscriptions");
    if (!public_key) return;
    const { pushManager } = await navigator.serviceWorker.ready;
    const key = bytesOf(public_key);
    let held = await pushManager.getSubscription();
    if (held && !isSame(held.options.applicationServerKey, key)) {
      // The server's key was changed: what was subscribed with the old one hears nothing more.
      await held.unsubscribe();
      held = null;
    }
    const { endpoint, keys } = (held ?? (await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }))).toJSON();
    await api.put("/v1/partner/push-subscriptions", { endpoint, keys: { p256dh: keys?.p256dh, auth: keys?.auth } });
  } catch {
    // No push service, or none that answers: the next start tries again.
  }
}

/** @param {string} text */
function bytesOf(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
}

/** @param {ArrayBuffer | null} one @param {Uint8Array} other */
function isSame(one, other) {
  const bytes = new Uint8Array(one ?? new ArrayBuffer(0));
  return bytes.length === other.length && bytes.every((byte, n) => byte === other[n]);
}
