// One call: its lifecycle with the current state lit, what is known of it, what happened to it.

import { outcome, statusAfter } from './calls.js';
import { facts, make, pill, say, time } from './elements.js';
import { draw } from './lifecycle.js';

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
    this.#places.detail.replaceChildren(...this.#parts(call, history));
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
    return [
      facts([
        ['Call', call.serviceCallId],
        ['Name', call.name],
        ['Status', pill(call.status)],
        ['Request', `${request.method} ${request.url}`],
        ['Due', call.dueAt && time(call.dueAt)],
        ['Tags', call.tags.join(' ')],
        ['Result', outcome(result)],
        ['Answer', result?.snippet && make('pre', {}, result.snippet)],
      ]),
      isCancellable ? make('button', { type: 'button', onclick: cancel }, 'Cancel') : '',
      message,
      make('h3', {}, 'Events'),
      make(
        'ol',
        { class: 'events' },
        ...history.map(({ type, timestamp }) => make('li', {}, time(timestamp), type)),
      ),
    ].filter((part) => part !== '');
  }
}
