// The server's own contract, called with the caller's token.

/** An answer that is no success; `message` is for people. */
export class Refused extends Error {
  constructor(status, problem) {
    const places = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer} ${detail}`);
    super([problem.title, problem.detail, ...places].filter(Boolean).join(': '));
    this.status = status;
    this.code = problem.code;
  }
}

export class Api {
  #token;

  constructor(token) {
    this.#token = token;
  }

  async #ask(method, path, { body, headers = {} } = {}) {
    const answer = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body && JSON.stringify(body),
    });
    const content = (await answer.text()) || 'null';
    const value = readable(content);
    if (!answer.ok) throw new Refused(answer.status, value ?? { title: answer.statusText });
    return value;
  }

  /** The newest calls that were accepted since a time, at most `most`, the newest first. */
  async calls(since, most) {
    let cursor;
    let found = [];
    do {
      const query = new URLSearchParams({ from: since.toISOString(), limit: '200' });
      if (cursor) query.set('cursor', cursor);
      const page = await this.#ask('GET', `v1/service-calls?${query}`);
      found = [...found, ...page.items].slice(-most);
      cursor = page.nextCursor;
    } while (cursor);
    return found.reverse();
  }

  call(id) {
    return this.#ask('GET', `v1/service-calls/${id}`);
  }

  async history(id) {
    return (await this.#ask('GET', `v1/service-calls/${id}/events`)).items;
  }

  submit(call) {
    const headers = { 'idempotency-key': crypto.randomUUID() };
    return this.#ask('POST', 'v1/service-calls', { body: call, headers });
  }

  cancel(id) {
    return this.#ask('POST', `v1/service-calls/${id}/cancel`);
  }

  outbox() {
    return this.#ask('GET', 'v1/admin/outbox');
  }

  deadLetters() {
    return this.#ask('GET', 'v1/admin/dlq?limit=20');
  }

  replay(id) {
    return this.#ask('POST', `v1/admin/dlq/${id}/replay`);
  }

  discard(id) {
    return this.#ask('DELETE', `v1/admin/dlq/${id}`);
  }

  /** An answer whose body is read as it comes; `lastId` is that of the last event that was seen. */
  async events(lastId, signal) {
    const headers = { authorization: `Bearer ${this.#token}`, accept: 'text/event-stream' };
    if (lastId) headers['last-event-id'] = lastId;
    const answer = await fetch('events', { headers, signal, cache: 'no-store' });
    if (!answer.ok) {
      throw new Refused(answer.status, readable(await answer.text()) ?? { title: 'no events' });
    }
    return answer.body;
  }
}

function readable(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
