// What operators look at: dead letters of their tenant, each replayed by a click; and, for who runs
// the server, outbox and lag of readers.

import { facts, keepFocus, make, say, time } from './elements.js';

/** How long nothing is looked at where nothing happens. */
const QUIET_MS = 10_000;
/** How soon after something has happened, with whatever else happens until then. */
const SOON_MS = 1000;
const REMEMBERED = 90;
const OF = { 'calls:platform': 'What all tenants share', 'calls:ops': 'A dead letter' };
const SVG = 'http://www.w3.org/2000/svg';

export class Operations {
  #api;
  #places;
  #past = new Map();
  /** What is looked at, until the caller is told that it is not for them. */
  #parts = [
    { scope: 'calls:platform', look: () => this.#numbers() },
    { scope: 'calls:ops', look: () => this.#letters() },
  ];
  #missing = [];
  #timer;
  #due = Infinity;
  #isLooking = false;
  /** After what time is looked again, once this look is over. */
  #wait = QUIET_MS;

  constructor(api, places) {
    this.#api = api;
    this.#places = places;
  }

  /** Looks when something has happened, now and then otherwise, and never where nobody looks on. */
  watch() {
    document.addEventListener('visibilitychange', () => this.#in(0));
    this.#in(0);
  }

  /** Something has happened. */
  stir() {
    this.#in(SOON_MS);
  }

  /** Looks after a time, or when it was going to if that is sooner. */
  #in(wait) {
    this.#wait = Math.min(this.#wait, wait);
    const due = Date.now() + wait;
    if (this.#isLooking || due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = Infinity;
    if (document.hidden || this.#parts.length === 0) return;
    this.#due = due;
    this.#timer = setTimeout(() => this.#turn(), wait);
  }

  async #turn() {
    [this.#isLooking, this.#due, this.#wait] = [true, Infinity, QUIET_MS];
    await this.look();
    this.#isLooking = false;
    this.#in(this.#wait);
  }

  async look() {
    const told = await Promise.all(
      this.#parts.map(async (part) => {
        try {
          await part.look();
        } catch (error) {
          if (error.status !== 403) return `Not known now: ${error.message}`;
          part.isRefused = true;
        }
      }),
    );
    const refused = this.#parts.filter((part) => part.isRefused).map(({ scope }) => scope);
    this.#parts = this.#parts.filter((part) => !part.isRefused);
    this.#missing.push(...refused);
    const [failure] = told.filter(Boolean);
    const missing = this.#missing.map((scope) => `${OF[scope]} needs the scope ${scope}.`);
    this.#places.none.textContent = [failure, ...missing].filter(Boolean).join(' ');
    this.#places.none.hidden = this.#places.none.textContent === '';
  }

  async #numbers() {
    const outbox = await this.#api.outbox();
    const lag = Math.max(0, ...outbox.readers.map((reader) => reader.lag));
    this.#places.gauges.replaceChildren(
      this.#gauge('outbox', outbox.depth, 'in the outbox'),
      this.#gauge('age', outbox.lagMs, 'oldest of them', seconds(outbox.lagMs)),
      this.#gauge('lag', lag, 'behind, at most'),
    );
    const readers = outbox.readers.map(({ reader, lag }) => [reader, `${lag} behind`]);
    this.#places.readers.replaceChildren(facts(readers));
  }

  async #letters() {
    const { letters, many } = this.#places;
    const { items, nextCursor } = await this.#api.deadLetters();
    many.textContent = nextCursor ? ` ${items.length}+` : ` ${items.length}`;
    const none = make('li', { class: 'empty' }, 'None: whatever was handled went through.');
    const drawn = items.length > 0 ? items.map((letter) => this.#letter(letter)) : [none];
    keepFocus(letters, () => letters.replaceChildren(...drawn));
  }

  #gauge(name, value, unit, shown = String(value)) {
    const past = [...(this.#past.get(name) ?? []), value].slice(-REMEMBERED);
    this.#past.set(name, past);
    const attributes = { class: 'gauge', 'data-gauge': name };
    return make('div', attributes, make('b', {}, shown), make('span', {}, unit), line(past));
  }

  #letter(letter) {
    const { deadLetterId: id, source, subject, reason, attempts, failedAt } = letter;
    const act = (does, done) => async ({ currentTarget: button }) => {
      for (const other of button.parentElement.querySelectorAll('button')) other.disabled = true;
      try {
        await does(id);
        say(this.#places.message, done);
        await this.look();
      } catch (error) {
        say(this.#places.message, error.message, true);
        button.disabled = false;
      }
    };
    const replay = act((letter) => this.#api.replay(letter), `Replayed: ${subject}`);
    const discard = act((letter) => this.#api.discard(letter), `Discarded: ${subject}`);
    const tries = attempts === 1 ? 'one try' : `${attempts} tries`;
    const told = `${reason}, ${tries} by ${source}, `;
    return make(
      'li',
      { 'data-letter': id },
      make('div', {}, subject),
      make('div', { class: 'reason' }, told, time(failedAt)),
      letter.isReplaying ? make('em', {}, 'about to be handled again ') : '',
      letter.isReplayable && !letter.isReplaying
        ? make('button', { type: 'button', 'data-key': `replay ${id}`, onclick: replay }, 'Replay')
        : '',
      make('button', { type: 'button', 'data-key': `discard ${id}`, onclick: discard }, 'Discard'),
    );
  }
}

function seconds(milliseconds) {
  return `${Math.round(milliseconds / 100) / 10} s`;
}

/** The course of a number. */
function line(past) {
  const root = document.createElementNS(SVG, 'svg');
  root.setAttribute('viewBox', `0 0 ${REMEMBERED - 1} 20`);
  root.setAttribute('preserveAspectRatio', 'none');
  const drawn = document.createElementNS(SVG, 'polyline');
  const highest = Math.max(1, ...past);
  const first = REMEMBERED - past.length;
  const points = past.map((value, index) => `${first + index},${19 - (18 * value) / highest}`);
  drawn.setAttribute('points', points.join(' '));
  root.append(drawn);
  return root;
}
