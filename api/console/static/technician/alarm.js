// An offer must be noticed: a sound, a buzz, and a notice of the phone when the page is not looked at.

/** @type {AudioContext | null} */
let audio = null;

/** Browsers give sound only after a touch: whoever goes online has touched. */
export function allowSound() {
  try {
    audio ??= new AudioContext();
    void audio.resume();
  } catch {
    audio = null;
  }
  if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission().catch(() => null);
}

/** @param {string} title @param {string} text */
export function alarm(title, text) {
  navigator.vibrate?.([300, 120, 300, 120, 600]);
  if (audio && audio.state === "running") for (const [at, tone] of /** @type {[number, number][]} */ ([[0, 880], [0.22, 1175], [0.44, 880], [0.66, 1175]])) beep(audio, at, tone);
  if (document.hidden && "Notification" in window && Notification.permission === "granted") void notice(title, text);
}

/** @param {AudioContext} context @param {number} at_s @param {number} tone_hz */
function beep(context, at_s, tone_hz) {
  const [oscillator, gain] = [context.createOscillator(), context.createGain()];
  const begin = context.currentTime + at_s;
  oscillator.frequency.value = tone_hz;
  gain.gain.setValueAtTime(0.0001, begin);
  gain.gain.exponentialRampToValueAtTime(0.4, begin + 0.02);
  gain.gain.exponentialRampToValueAtTime(0.0001, begin + 0.2);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(begin);
  oscillator.stop(begin + 0.22);
}

/** @param {string} title @param {string} text */
async function notice(title, text) {
  try {
    const worker = await navigator.serviceWorker?.getRegistration("/technician");
    const options = { body: text, tag: "offer", renotify: true, requireInteraction: true };
    if (worker) await worker.showNotification(title, options);
    else new Notification(title, options);
  } catch {
    // The sound was made; some browsers give notices to installed apps only.
  }
}

/** Keeps the screen on while `isWanted` and the page is looked at. @param {() => boolean} isWanted */
export function wakeLock(isWanted) {
  /** @type {any} */
  let lock = null;
  return async function follow() {
    if (!isWanted() || document.hidden) {
      void lock?.release().catch(() => null);
      lock = null;
    } else if (!lock && "wakeLock" in navigator) {
      try {
        lock = await navigator.wakeLock.request("screen");
        lock.addEventListener("release", () => (lock = null));
        if (!isWanted()) await lock.release();
      } catch {
        lock = null;
      }
    }
  };
}
