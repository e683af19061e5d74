// One call: its lifecycle with the current state lit, what is known of it, what happened to it.

import { outcome, statusAfter } from './calls.js';
import { facts, keepFocus, make, pill, say, span, time } from './elements.js';
import { draw } from './lifecycle.js';

/** What a failure without an answer means; `http` has one, which says more. */
const WHY = {
  timeout: 'no whole answer in time',
  connect: 'nobody could be reached there',
  dns: 'the name could not be resolved',
  tls: 'no secure connection came about',
  blocked: 'calls may not reach this address',
  aborted: 'its worker was lost; what came of it is unknown, and it is never sent again',
};

export class Detail {
  #api;
  #lifecycle;
  #places;
  #id;

  constructor(api, lifecycle, places) {
    this.#api = api;
    this.#lifecycle = lifecycle;
    this.#places = places;
    this.#drawLifecycle([]);
  }

  async show(id) {
    this.#id = id;
    await this.refresh();
  }

  /** Reads the call anew if it is the one that is shown. */
  async refresh(id = this.#id) {
    if (id === undefined || id !== this.#id) return;
    const [call, history] = await Promise.all([this.#api.call(id), this.#api.history(id)]);
    // Another may have been chosen in the meantime.
    if (id !== this.#id) return;
    this.#drawLifecycle(history.map(({ type }) => statusAfter(type)).filter(Boolean));
    const { detail } = this.#places;
    keepFocus(detail, () => detail.replaceChildren(...this.#parts(call, history)));
  }

  #drawLifecycle(visited) {
    if (this.#lifecycle) this.#places.lifecycle.replaceChildren(draw(this.#lifecycle, visited));
  }

  #parts(call, history) {
    const { request, result } = call;
    const message = make('p', { class: 'message', role: 'status' });
    const isCancellable = this.#lifecycle?.transitions[call.status]?.includes('Cancelled');
    const cancel = async ({ currentTarget: button }) => {
      button.disabled = true;
      try {
        await this.#api.cancel(call.serviceCallId);
        await this.refresh(call.serviceCallId);
      } catch (error) {
        say(message, error.message, true);
      }
    };
    const attributes = { type: 'button', 'data-key': 'cancel', onclick: cancel };
    return [
      facts([
        ['Call', call.serviceCallId],
        ['Name', call.name],
        ['Status', pill(call.status)],
        ['Request', make('div', { class: 'url' }, `${request.method} ${request.url}`)],
        ['Accepted', time(call.createdAt)],
        ['Due', call.dueAt && time(call.dueAt)],
        ['Ended', call.endedAt && time(call.endedAt)],
        ['Tags', call.tags.join(' ')],
        ['Result', [outcome(result), WHY[result?.failureKind]].filter(Boolean).join(': ')],
        ['Answer', result?.snippet && make('pre', { tabindex: 0 }, result.snippet)],
      ]),
      isCancellable ? make('button', attributes, 'Cancel this call') : '',
      message,
      make('h3', {}, 'Events'),
      make(
        'ol',
        { class: 'events' },
        ...history.map(({ type, timestamp, data }) =>
          make('li', {}, time(timestamp), type, make('span', { class: 'note' }, note(data))),
        ),
      ),
    ].filter((part) => part !== '');
  }
}

/** What an event says besides its name, in a few words. */
function note({ kind, status, lateMs, previousStatus }) {
  const late = lateMs === undefined ? undefined : `${span(lateMs)} late`;
  const before = previousStatus && `was ${previousStatus}`;
  const told = [kind, status, late, before].filter(Boolean).join(', ');
  return told && ` ${told}`;
}
