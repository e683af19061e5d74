// What operators look at: outbox, lag of readers, dead letters; a letter is replayed by a click.

import { facts, make, say, time } from './elements.js';

const PERIOD_MS = 2000;
const REMEMBERED = 90;
const SVG = 'http://www.w3.org/2000/svg';

export class Operations {
  #api;
  #places;
  #past = new Map();

  constructor(api, places) {
    this.#api = api;
    this.#places = places;
  }

  /** Looks again and again; ends where the caller may not. */
  async watch() {
    for (;;) {
      try {
        await this.look();
        this.#places.none.hidden = true;
      } catch (error) {
        this.#places.none.hidden = false;
        this.#places.none.textContent =
          error.status === 403 ? 'Needs the scope calls:ops.' : `Not known now: ${error.message}`;
        if (error.status === 403) return;
      }
      await new Promise((done) => setTimeout(done, PERIOD_MS));
    }
  }

  async look() {
    const [outbox, letters] = await Promise.all([this.#api.outbox(), this.#api.deadLetters()]);
    const lag = Math.max(0, ...outbox.readers.map((reader) => reader.lag));
    const many = letters.nextCursor ? `${letters.items.length}+` : `${letters.items.length}`;
    this.#places.gauges.replaceChildren(
      this.#gauge('outbox', outbox.depth, 'events in the outbox'),
      this.#gauge('age', outbox.lagMs, 'age of the oldest of them', seconds(outbox.lagMs)),
      this.#gauge('lag', lag, 'events of lag, at most'),
      this.#gauge('letters', letters.items.length, 'dead letters', many),
    );
    const readers = outbox.readers.map(({ reader, lag }) => [reader, `${lag} behind`]);
    this.#places.readers.replaceChildren(facts(readers));
    const drawn = letters.items.map((letter) => this.#letter(letter));
    const none = make('li', { class: 'empty' }, 'None.');
    this.#places.letters.replaceChildren(...(drawn.length > 0 ? drawn : [none]));
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
        ? make('button', { type: 'button', onclick: replay }, 'Replay')
        : '',
      make('button', { type: 'button', onclick: discard }, 'Discard'),
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
