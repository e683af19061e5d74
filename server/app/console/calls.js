// The list of calls, kept up to date by their events.

import { keepFocus, make, pill, time } from './elements.js';

const KEPT = 300;
/** What an event makes of a call's status, as the server folds it. */
const STATUS_AFTER = {
  ServiceCallSubmitted: 'Queued',
  ServiceCallScheduled: 'Scheduled',
  DueTimeReached: 'Queued',
  AttemptStarted: 'Running',
  ServiceCallSucceeded: 'Succeeded',
  ServiceCallFailed: 'Failed',
  ServiceCallCancelled: 'Cancelled',
  ServiceCallSkipped: 'Skipped',
};

/** The status after an event; none if the event leaves it as it is. */
export function statusAfter(type) {
  return STATUS_AFTER[type];
}

export class Calls {
  #calls = new Map();
  #filter = undefined;
  #chosen = undefined;
  #isStale = false;
  #places;
  #choose;

  /** `places` are the elements it draws in; `choose` is told the id of a call that is clicked. */
  constructor(places, choose) {
    this.#places = places;
    this.#choose = choose;
  }

  /** Takes calls as the list tells them, the newest first. */
  load(calls) {
    for (const call of [...calls].reverse()) {
      const known = this.#calls.get(call.serviceCallId);
      if (known && known.updatedAt > call.updatedAt) continue;
      this.#calls.delete(call.serviceCallId);
      this.#calls.set(call.serviceCallId, {
        ...known,
        id: call.serviceCallId,
        name: call.name,
        status: call.status,
        target: target(call.request),
        dueAt: call.dueAt,
        result: outcome(call.result) ?? known?.result,
        updatedAt: call.updatedAt,
        version: known?.version ?? 0,
      });
    }
    this.#draw();
  }

  /** Takes an event. */
  apply({ aggregateId: id, type, data, timestamp, version }) {
    const call = this.#calls.get(id) ?? { id, name: id, version: 0 };
    if (call.version >= version) return;
    Object.assign(call, { version, updatedAt: timestamp });
    if (type === 'ServiceCallSubmitted') {
      Object.assign(call, { name: data.name, target: target(data.request), dueAt: data.dueAt });
    }
    if (type === 'AttemptSucceeded') {
      call.result = outcome({ httpStatus: data.status, latencyMs: data.latencyMs });
    }
    if (type === 'AttemptFailed') {
      const { status: httpStatus, kind: failureKind, latencyMs } = data;
      call.result = outcome({ httpStatus, failureKind, latencyMs });
    }
    call.status = statusAfter(type) ?? call.status;
    this.#calls.set(id, call);
    while (this.#calls.size > KEPT) this.#calls.delete(this.#calls.keys().next().value);
    this.#draw();
  }

  choose(id) {
    this.#chosen = id;
    this.#draw();
  }

  /** Draws once a frame, however many events there are. */
  #draw() {
    if (this.#isStale) return;
    this.#isStale = true;
    requestAnimationFrame(() => {
      this.#isStale = false;
      this.#drawNow();
    });
  }

  #drawNow() {
    const { rows, counts, empty } = this.#places;
    const all = [...this.#calls.values()].reverse();
    const shown = all.filter(({ status }) => !this.#filter || status === this.#filter);
    keepFocus(rows, () => rows.replaceChildren(...shown.map((call) => this.#row(call))));
    empty.hidden = shown.length > 0;
    empty.textContent = this.#filter
      ? `No call is ${this.#filter}. Choose the state again to see all.`
      : 'No calls in the last hour. Submit one above.';
    const statuses = [...new Set(Object.values(STATUS_AFTER))];
    const buttons = statuses.map((status) => {
      const count = all.filter((call) => call.status === status).length;
      const onclick = () => {
        this.#filter = this.#filter === status ? undefined : status;
        this.#draw();
      };
      const pressed = String(this.#filter === status);
      const attributes = { type: 'button', 'aria-pressed': pressed, onclick };
      const key = { 'data-key': status, 'data-count': status, 'data-empty': count === 0 && '' };
      return make('button', { ...attributes, ...key }, `${status} ${count}`);
    });
    keepFocus(counts, () => counts.replaceChildren(...buttons));
  }

  #row(call) {
    const { id, name, status, result, updatedAt } = call;
    const onclick = () => this.#choose(id);
    const current = id === this.#chosen && 'true';
    const waits = status === 'Scheduled' && call.dueAt;
    return make(
      'tr',
      { 'data-call': id, 'aria-current': current, onclick },
      make('td', {}, pill(status ?? '…')),
      make(
        'td',
        { class: 'wide', title: `${name}\n${call.target ?? ''}` },
        // What a keyboard reaches; the click is that of its row.
        make('button', { type: 'button', class: 'name', 'data-key': id }, name),
        isSaid(call) ? '' : make('div', { class: 'target' }, call.target),
      ),
      make('td', { class: 'result' }, ...(waits ? ['due ', time(call.dueAt)] : [result])),
      make('td', {}, time(updatedAt)),
    );
  }
}

/** Whether the name of a call is where it goes, as calls submitted here are named. */
function isSaid({ name, target }) {
  return target?.replace(/ https?:\/\//u, ' ') === name;
}

/** Where a call goes, without what its query holds. */
function target({ method, url }) {
  return `${method} ${url.split(/[?#]/u)[0]}`;
}

/** What came of a call in a few words; nothing is known of one that is not over. */
export function outcome(result) {
  if (!result) return undefined;
  const { httpStatus, failureKind, latencyMs } = result;
  const told = failureKind && failureKind !== 'http' ? failureKind : httpStatus;
  return [told, latencyMs === undefined ? undefined : `${latencyMs} ms`].filter(Boolean).join(', ');
}
