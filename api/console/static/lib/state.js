// Values that tell who reads them when they change. An effect runs again in the next microtask, once for many changes.

/** @typedef {() => void} Stop */
/**
 * @template T
 * @typedef {(() => T) & {set: (value: T) => void, update: (change: (value: T) => T) => void, peek: () => T}} Signal
 */

/** What a scope has to end: effects, timers, listeners. */
class Scope {
  constructor() {
    /** @type {Stop[]} */
    this.ends = [];
    this.isOver = false;
  }

  end() {
    this.isOver = true;
    for (const end of this.ends.splice(0).reverse()) end();
  }
}

class Effect extends Scope {
  /** @param {() => void} work */
  constructor(work) {
    super();
    this.work = work;
    /** @type {Set<Set<Effect>>} */
    this.reads = new Set();
  }

  run() {
    if (this.isOver) return;
    this.forget();
    const [readerBefore, scopeBefore] = [reader, scope];
    [reader, scope] = [this, this];
    try {
      this.work();
    } finally {
      [reader, scope] = [readerBefore, scopeBefore];
    }
  }

  forget() {
    for (const readers of this.reads) readers.delete(this);
    this.reads.clear();
    for (const end of this.ends.splice(0).reverse()) end();
  }

  end() {
    super.end();
    this.forget();
  }
}

/** @type {Effect | null} */
let reader = null;
/** @type {Scope | null} */
let scope = null;
/** @type {Set<Effect>} */
const waiting = new Set();

function runWaiting() {
  // An effect that changes what it reads would go round for ever.
  for (let turn = 0; waiting.size && turn < 100; turn++) {
    const now = [...waiting];
    waiting.clear();
    for (const effect of now) effect.run();
  }
}

/**
 * A value; call it to read it.
 * @template T
 * @param {T} value
 * @returns {Signal<T>}
 */
export function signal(value) {
  /** @type {Set<Effect>} */
  const readers = new Set();
  const read = /** @type {Signal<T>} */ (() => {
    if (reader) {
      readers.add(reader);
      reader.reads.add(readers);
    }
    return value;
  });
  read.peek = () => value;
  read.set = (next) => {
    if (Object.is(next, value)) return;
    value = next;
    if (readers.size && !waiting.size) queueMicrotask(runWaiting);
    for (const effect of readers) waiting.add(effect);
  };
  read.update = (change) => read.set(change(value));
  return read;
}

/**
 * Does something now, and again whenever a signal that it read changes, until its scope ends.
 * @param {() => void} work
 * @returns {Stop}
 */
export function effect(work) {
  const made = new Effect(work);
  scope?.ends.push(() => made.end());
  made.run();
  return () => made.end();
}

/**
 * A value that follows from others.
 * @template T
 * @param {() => T} work
 * @returns {() => T}
 */
export function computed(work) {
  const kept = signal(/** @type {T} */ (/** @type {unknown} */ (undefined)));
  effect(() => kept.set(work()));
  return kept;
}

/**
 * Runs `work`, and gives what it made with a way to end all that belongs to it.
 * @template T
 * @param {() => T} work
 * @returns {[T, Stop]}
 */
export function scoped(work) {
  const made = new Scope();
  const [readerBefore, scopeBefore] = [reader, scope];
  [reader, scope] = [null, made];
  try {
    return [work(), () => made.end()];
  } finally {
    [reader, scope] = [readerBefore, scopeBefore];
  }
}

/**
 * Something to do when the scope ends in which this was called.
 * @param {Stop} end
 */
export function onEnd(end) {
  scope?.ends.push(end);
}

/**
 * Reads without listening.
 * @template T
 * @param {() => T} work
 * @returns {T}
 */
export function untracked(work) {
  const before = reader;
  reader = null;
  try {
    return work();
  } finally {
    reader = before;
  }
}

/**
 * Listens until the scope ends.
 * @param {EventTarget} target @param {string} event @param {(event: any) => void} heard
 * @param {AddEventListenerOptions} [options]
 */
export function listen(target, event, heard, options) {
  target.addEventListener(event, heard, options);
  onEnd(() => target.removeEventListener(event, heard, options));
}

/**
 * Does something every so often until the scope ends.
 * @param {number} ms @param {() => void} work
 */
export function every(ms, work) {
  const timer = setInterval(work, ms);
  onEnd(() => clearInterval(timer));
}
