// Server-sent events (HTML Standard, 9.2) over fetch: an EventSource sends no Authorization header.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Follows the events of the caller's tenant for as long as the tab is open, and after each break
 * goes on from the last one seen. `changed` is told `open`, and whether it was before, or `lost`;
 * a refusal ends it and throws.
 */
export async function follow(api, { event, changed }) {
  let lastId;
  let isAgain = false;
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    try {
      const body = await api.events(lastId);
      changed('open', isAgain);
      isAgain = true;
      pause = FIRST_PAUSE_MS;
      for await (const message of messages(body)) {
        lastId = message.id ?? lastId;
        if (message.data) event(JSON.parse(message.data));
      }
    } catch (error) {
      if (error.status >= 400 && error.status < 500 && error.status !== 429) throw error;
    }
    changed('lost');
    await new Promise((done) => setTimeout(done, pause));
    pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
  }
}

async function* messages(body) {
  let message = {};
  for await (const line of lines(body)) {
    if (line === '') {
      yield message;
      message = {};
      continue;
    }
    const [field, value] = parted(line);
    if (field === 'data') message.data = (message.data ?? '') + value;
    if (field === 'id') message.id = value;
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(/\r\n|\n/u);
    rest = parts.pop();
    yield* parts;
  }
}

function parted(line) {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /u, '')];
}
