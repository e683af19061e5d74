import { DecodeError, TimeoutError, TransportError } from './error.js';

/** One event of a `text/event-stream` (HTML Standard, 9.2). */
export interface ServerEvent<Data> {
  /** The payload. */
  readonly data: Data;
  /** The kind of the event; `message` where it is left out. */
  readonly event?: string;
  /** What to send as `Last-Event-ID` to go on behind this event. */
  readonly id?: string;
  /** How long to wait before coming back. */
  readonly retryMs?: number;
}

/** Bytes as they arrive. */
export type Bytes = AsyncIterable<Uint8Array>;

/** An item longer than this is no item: nobody may fill our memory. */
const LONGEST = 64 * 1024 * 1024;

/**
 * Where a stream is (HTML Standard, 9.2.6). An event without a payload is none, and moves it all
 * the same: so a stream that had no event yet can be come back to.
 */
interface Bookmark {
  lastId?: string;
  retryMs?: number;
}

/** The bookmarks of the streams that were opened here. */
const bookmarks = new WeakMap<object, Bookmark>();

type Events<Data> = AsyncGenerator<ServerEvent<Data>, void>;

/** Server-sent events with payloads in JSON. A payload `[DONE]` ends them. */
export function readEvents(bytes: Bytes): Events<unknown> {
  return marked(bytes, jsonEvents);
}

/** Server-sent events that are described as wholes: objects with members `event` and `data`. */
export function readWholeEvents(bytes: Bytes): Events<unknown> {
  return marked(bytes, wholeEvents);
}

/** Server-sent events with payloads in text. */
export function readTextEvents(bytes: Bytes): Events<string> {
  return marked(bytes, (events) => events);
}

function marked<Data>(
  bytes: Bytes,
  read: (events: Events<string>) => Events<Data>,
): Events<Data> {
  const bookmark: Bookmark = {};
  const events = read(textEvents(bytes, bookmark));
  bookmarks.set(events, bookmark);
  return events;
}

async function* jsonEvents(events: Events<string>): Events<unknown> {
  for await (const event of events) {
    if (event.data.trim() === '[DONE]') return;
    yield { ...event, data: parse(event.data) };
  }
}

async function* wholeEvents(events: Events<string>): Events<unknown> {
  for await (const event of events) {
    let data: unknown = event.data;
    try {
      data = JSON.parse(event.data);
    } catch {
      // It is text, then.
    }
    const { event: kind, id, retryMs: retry } = event;
    const whole = { event: kind, id, retry, data };
    const said = Object.entries(whole).filter(([, value]) => value !== undefined);
    yield { ...event, data: Object.fromEntries(said) };
  }
}

async function* textEvents(bytes: Bytes, bookmark: Bookmark): Events<string> {
  let data: string[] = [];
  let fields: { event?: string; retryMs?: number } = {};
  let id: string | undefined;
  for await (const line of lines(bytes, /\r\n|\n|\r/)) {
    if (line === '') {
      const event = { ...fields, ...(id ? { id } : {}), data: data.join('\n') };
      const any = data.length > 0;
      if (id) bookmark.lastId = id;
      if (fields.retryMs !== undefined) bookmark.retryMs = fields.retryMs;
      [data, fields] = [[], {}];
      if (any) yield event;
      continue;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    else if (field === 'event') fields.event = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) fields.retryMs = Number(value);
  }
}

/** JSON documents, one a line or after a record separator (RFC 7464). */
export async function* readLines(bytes: Bytes): AsyncGenerator<unknown, void> {
  for await (const line of lines(bytes, /\r\n|\n|\r/, 'rest')) {
    const text = line.replace(/^\u001e/, '').trim();
    if (text !== '') yield parse(text);
  }
}

/** How long to wait before coming back, where the server does not say. */
const RETRY_MS = 3_000;

/**
 * Follows a stream of events: opens it, and opens it again with the id of the last event that was
 * seen when its connection ends or breaks, or where the stream said it was (HTML Standard, 9.2.3).
 * A server may end one with the credentials it was opened with: they are asked for anew. `open`
 * gives nothing when the server has no more. Errors of the contract end it, errors of the way there
 * do not.
 *
 * `follow(async (lastEventId) => (await news.watch({ lastEventId })).body)`
 */
export async function* follow<Data>(
  open: (lastEventId?: string) => Promise<AsyncIterable<ServerEvent<Data>> | undefined>,
): AsyncGenerator<ServerEvent<Data>, void> {
  let lastId: string | undefined;
  for (let retryMs = RETRY_MS; ; await new Promise((resolve) => setTimeout(resolve, retryMs))) {
    let bookmark: Bookmark | undefined;
    try {
      const events = await (lastId === undefined ? open() : open(lastId));
      if (events === undefined) return;
      bookmark = bookmarks.get(events);
      for await (const event of events) {
        retryMs = event.retryMs ?? retryMs;
        lastId = event.id ?? lastId;
        yield event;
      }
    } catch (error) {
      const passes = error instanceof TransportError || error instanceof TimeoutError;
      if (!passes) throw error;
    }
    retryMs = bookmark?.retryMs ?? retryMs;
    lastId = bookmark?.lastId ?? lastId;
  }
}

/** The bytes of a response; whoever stops early ends it. */
export async function* readBytes(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw cause instanceof Error && cause.name === 'AbortError' ? cause : new TransportError(cause);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Whole lines; a last one without a break only where it counts. */
async function* lines(bytes: Bytes, end: RegExp, last?: 'rest'): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of bytes) {
    text += decoder.decode(chunk, { stream: true });
    // A CR at the end may be half of a break.
    const held = text.endsWith('\r') ? '\r' : '';
    const parts = (held ? text.slice(0, -1) : text).split(end);
    text = (parts.pop() ?? '') + held;
    yield* parts;
    if (text.length > LONGEST) throw new DecodeError('an item of the stream is too long');
  }
  text += decoder.decode();
  const parts = text.split(end);
  const rest = parts.pop() ?? '';
  yield* parts;
  if (last === 'rest' && rest !== '') yield rest;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DecodeError('an item of the stream is not JSON');
  }
}
