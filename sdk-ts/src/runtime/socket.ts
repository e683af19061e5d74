import type { Credential } from './auth.js';
import { isBinary } from './binary.js';
import type { Channel, SocketOptions } from './channel.js';
import type { Core, Route } from './client.js';
import { watch, type Ending } from './connection.js';
import {
  CloseError,
  DecodeError,
  EncodeError,
  OverflowError,
  ProblemError,
  RefusedError,
  TimeoutError,
} from './error.js';
import { Line } from './line.js';
import { encode } from './outgoing.js';
import { percent } from './parameters.js';
import type { Problem } from './problem.js';
import { delayMs } from './retry.js';

const CONNECT_TIMEOUT_MS = 10_000;
const RECEIVE_LIMIT = 1_024;
const SEND_LIMIT = 256;
const MESSAGE_LIMIT = 16 * 1024 * 1024;

/** Bytes that the platform may hold before more are handed to it. */
const HELD = 1024 * 1024;
/** How soon to look again whether they went; no platform tells. */
const LOOK_MS = 10;

/** A message as it travels. */
type Frame = string | Uint8Array<ArrayBuffer>;

/** Code of the problem that a message is which breaks the contract (ADR 0051). */
const BREACH = 'invalid-message';

/** The server is done. */
const DONE = 1000;
/** The token has expired (ADR 0051). */
const EXPIRED = 3000;
/** Codes of connections that were cut off: another may fare better (ADR 0051, RFC 6455, 7.4). */
const CUT_OFF: readonly number[] = [1001, 1005, 1006, 1011, 1012, 1013, 1014, 3008, EXPIRED];

/**
 * A channel that is open on both sides: `send` messages, and iterate over those that come.
 *
 * It connects at once. Whoever stops iterating closes it. What went wrong for good is thrown where
 * messages are taken, behind those that came before it, and where they are sent.
 */
export class Socket<Sent, Received> implements AsyncIterable<Received> {
  readonly #line: Line<Received>;
  readonly #write: (message: Sent) => Frame;
  readonly #sendLimit: number;
  #unsent = 0;
  #sending: Promise<unknown> = Promise.resolve();

  /** Generated functions make sockets, by `connect`. */
  constructor(
    line: Line<Received>,
    write: (message: Sent) => Frame,
    sendLimit: number,
  ) {
    this.#line = line;
    this.#write = write;
    this.#sendLimit = sendLimit;
  }

  /**
   * Sends a message, behind those that were sent before. Resolves when a connection has taken it:
   * until there is one it waits, and so it does while the connection is slow. What one has taken
   * and not brought over when it is cut off is lost, and is not sent again.
   */
  async send(message: Sent): Promise<void> {
    const frame = this.#write(message);
    if (this.#unsent >= this.#sendLimit) throw new OverflowError('sent');
    this.#unsent += 1;
    const turn = this.#sending.then(() => transmit(this.#line, frame));
    this.#sending = turn.catch(() => undefined);
    try {
      await turn;
    } finally {
      this.#unsent -= 1;
    }
  }

  /** Ends it: messages that came before are still taken, none is sent any more. */
  close(code: number = DONE, reason = ''): void {
    if (code !== DONE && !(code >= 3000 && code <= 4999)) {
      throw new EncodeError('a socket is closed with 1000, or with 3000 to 4999');
    }
    this.#line.end(undefined, code, reason);
  }

  /** The messages, in order. Each is taken once: two loops share them. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Received, void> {
    try {
      for (;;) {
        const message = await this.#line.take();
        if (message === undefined) return;
        yield message;
      }
    } finally {
      this.#line.end();
    }
  }
}

/** Opens a channel. */
export function connect<Request extends object, Sent, Received>(
  core: Core,
  channel: Channel<Request, Sent, Received>,
  request: Request,
  options: SocketOptions<Request, Sent, Received> = {},
): Socket<Sent, Received> {
  const line = new Line<Received>();
  const { signal } = options;
  const stop = () => line.end({ error: signal?.reason });
  signal?.addEventListener('abort', stop);
  if (signal?.aborted) stop();
  keep(core, channel, request, options, line)
    .then(
      () => line.end(),
      (error: unknown) => line.end({ error }),
    )
    .finally(() => signal?.removeEventListener('abort', stop));
  const written = (message: Sent) => write(message, channel.sends);
  return new Socket(line, written, options.sendLimit ?? SEND_LIMIT);
}

/** Has a connection there, one after the other, until the server is done or it is of no use. */
async function keep<Request extends object, Sent, Received>(
  core: Core,
  channel: Channel<Request, Sent, Received>,
  first: Request,
  options: SocketOptions<Request, Sent, Received>,
  line: Line<Received>,
): Promise<void> {
  const retry = { ...core.retry, ...options.retry };
  const receiveLimit = options.receiveLimit ?? RECEIVE_LIMIT;
  let request = first;
  let last: Received | undefined;
  let expired: string | undefined;
  let opened = false;
  const attempts = () => options.retry?.attempts ?? (opened ? Infinity : retry.attempts);
  const pause = (fruitless: number) => line.pause(delayMs(retry, Math.max(fruitless, 1)));
  for (let fruitless = 1; ; fruitless += 1) {
    let route: Route;
    try {
      route = await core.route(channel, '', options);
    } catch (error) {
      // Who was let in before had credentials: what gives them may be away with the server.
      if (!opened || fruitless >= attempts()) throw error;
      await pause(fruitless);
      if (line.over.aborted) return;
      continue;
    }
    const { url, protocols } = way(channel, request, route);
    const proof = JSON.stringify(route.credentials);
    if (line.over.aborted) return;
    // Whoever has no other token would be sent away for ever.
    if (proof === expired) throw new CloseError(EXPIRED, '');
    const connection = open(core, options, url, protocols);
    line.use(connection);
    let problem: Problem | undefined;
    const ending = await watch(connection, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, {
      open: () => {
        const greeting = options.greeting?.() ?? [];
        for (const message of greeting) connection.send(write(message, channel.sends));
        line.wake();
      },
      message: (frame) => {
        problem = breach(frame);
        if (problem !== undefined) return;
        const message = read(frame, channel.receives, options.messageLimit ?? MESSAGE_LIMIT);
        if (line.length >= receiveLimit) throw new OverflowError('received');
        // The one cast of the socket: what comes is taken as the contract describes it.
        last = message as Received;
        fruitless = 0;
        line.put(last);
      },
    });
    line.use(undefined);
    opened ||= ending.opened;
    if (line.over.aborted || ending.code === DONE) return;
    const again = opened ? isCutOff(ending) && options.resume !== undefined : true;
    if (problem !== undefined) throw new ProblemError(problem);
    if (!again || fruitless >= attempts()) throw failure(ending);
    expired = ending.code === EXPIRED ? proof : undefined;
    if (ending.cause instanceof OverflowError) await line.drained();
    await pause(fruitless);
    if (last !== undefined) request = options.resume?.(request, last) ?? request;
  }
}

/** Whether another connection may fare better than one that ended so. */
function isCutOff({ code, cause }: Ending): boolean {
  return CUT_OFF.includes(code) || cause instanceof OverflowError;
}

/** The problem of a message that was sent, if this is how the server tells of one. */
function breach(frame: unknown): Problem<'invalid-message'> | undefined {
  if (typeof frame !== 'string' || !frame.includes(BREACH)) return undefined;
  try {
    const problem: Partial<Problem<'invalid-message'>> = Object(JSON.parse(frame));
    const is = problem.code === BREACH && problem.status === 400;
    return is ? (problem as Problem<'invalid-message'>) : undefined;
  } catch {
    return undefined;
  }
}

function failure({ code, reason, opened, cause }: Ending): unknown {
  const kinds = [OverflowError, EncodeError, DecodeError, TimeoutError];
  const own = kinds.some((kind) => cause instanceof kind);
  if (own) return cause;
  return opened ? new CloseError(code, reason) : new RefusedError(cause);
}

/** Where a connection goes, and the subprotocols that it offers. */
function way<Request extends object>(
  channel: Way<Request>,
  request: Request,
  route: Route,
): { url: string; protocols: readonly string[] } {
  const { target, headers } = encode(channel, request);
  for (const [name] of headers) throw unsendable(name);
  let url = (route.url + target).replace(/^http/, 'ws');
  let protocols = channel.protocols ?? [];
  for (const credential of route.credentials) {
    if (credential.in === 'query') {
      const pair = `${percent(credential.name)}=${percent(credential.value)}`;
      url += `${url.includes('?') ? '&' : '?'}${pair}`;
    } else {
      // The server answers with one that is no secret, and there has to be one.
      protocols = [...(protocols.length > 0 ? protocols : ['symbolon']), spoken(credential)];
    }
  }
  return { url, protocols };
}

/** The parts of a channel a connection is made by. */
type Way<Request> = Pick<
  Channel<Request, unknown, unknown>,
  'path' | 'parameters' | 'protocols'
>;

/** A token as a subprotocol, the one place that browsers let a socket carry it in (ADR 0051). */
function spoken({ name, value }: Credential): string {
  const token = /^Bearer (.+)$/.exec(value)?.[1];
  if (name !== 'Authorization' || token === undefined) throw unsendable(name);
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(token)));
  const safe = base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `symbolon.bearer.${safe}`;
}

function unsendable(name: string): EncodeError {
  return new EncodeError(`parameter \`${name}\` cannot be sent: a WebSocket has no place for it`);
}

function open(
  core: Core,
  options: { readonly webSocket?: typeof WebSocket },
  url: string,
  protocols: readonly string[],
): WebSocket {
  // It is absent from Node.js before 22.
  const Platform: typeof WebSocket | undefined =
    options.webSocket ?? core.webSocket ?? globalThis.WebSocket;
  if (Platform === undefined) {
    throw new EncodeError(
      'there is no WebSocket here: run Node.js 22 or newer, or give the client the option' +
        ' `webSocket`, such as `WebSocket` of npm `ws`',
    );
  }
  try {
    const connection = new Platform(url, [...protocols]);
    connection.binaryType = 'arraybuffer';
    return connection;
  } catch (cause) {
    throw new EncodeError('the platform refuses the URL or the subprotocols', { cause });
  }
}

/** Hands a message to a connection that has room for it. */
async function transmit(line: Line<unknown>, frame: Frame): Promise<void> {
  for (;;) {
    const connection = await line.open();
    if (connection === undefined) throw new CloseError(DONE, '');
    if (connection.bufferedAmount < HELD) return connection.send(frame);
    await line.pause(LOOK_MS);
  }
}

function write(message: unknown, kinds: readonly string[] = []): Frame {
  if (kinds.includes('bytes') && message instanceof Uint8Array) return new Uint8Array(message);
  if (kinds.includes('text') && typeof message === 'string') return message;
  try {
    const text: string | undefined = JSON.stringify(message);
    if (text !== undefined) return text;
  } catch (cause) {
    throw new EncodeError('the message cannot be written as JSON', { cause });
  }
  throw new EncodeError('the message cannot be written as JSON');
}

/** A message as it came. */
function read(frame: unknown, kinds: readonly string[] = ['json'], limit: number): unknown {
  if (typeof frame !== 'string') {
    const bytes = frame instanceof ArrayBuffer && kinds.includes('bytes');
    if (!bytes) throw new DecodeError('the contract documents no such message');
    if (frame.byteLength > limit) throw new DecodeError('a message is too long');
    return new Uint8Array(frame);
  }
  if (frame.length > limit) throw new DecodeError('a message is too long');
  if (kinds.includes('text')) return frame;
  if (!kinds.includes('json')) throw new DecodeError('the contract documents no such message');
  try {
    return JSON.parse(frame);
  } catch {
    throw new DecodeError('a message is not JSON');
  }
}
