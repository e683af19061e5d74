import { anonymous, type Alternatives, type Auth, type Credential } from './auth.js';
import { EncodeError, TimeoutError, TransportError } from './error.js';
import { decode, isStreamed, type Incoming, type Readable } from './incoming.js';
import type { Operation, Paged } from './operation.js';
import { encode, setHeader, type Outgoing } from './outgoing.js';
import { Listing } from './pagination.js';
import { percent } from './parameters.js';
import { asksToWait, DEFAULT_RETRY, delayMs, repeatable, retryAfterMs } from './retry.js';
import type { Retry } from './retry.js';
import { checkBaseUrl, Server, type OwnServer } from './server.js';

const ACCEPT = 'application/json, application/problem+json';
const TIMEOUT_MS = 30_000;
/** Timers count in 31 bits. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Settings of a client. */
export interface ClientOptions {
  /**
   * Address of the server; it may have a path: operations go below it, all of them. Or one of the
   * contract's `servers`: operations that have a server of their own then go there.
   */
  readonly baseUrl: string | URL | Server;
  /** Credentials to send; none if left out. */
  readonly auth?: Auth;
  /** Headers of every call that does not set them itself. */
  readonly headers?: { readonly [name: string]: string };
  /** Time for a whole call, with its retries and waits: 30 000 if left out. */
  readonly timeoutMs?: number;
  /** How calls are repeated. */
  readonly retry?: Partial<Retry>;
  /** What sends requests: the platform's `fetch` if left out. */
  readonly fetch?: typeof fetch;
  /** What makes sockets: the platform's `WebSocket` if left out. Node.js has one from 22 on. */
  readonly webSocket?: typeof WebSocket;
}

/** What one call does differently from its client. */
export interface CallOptions {
  /** Time for the whole call, with its retries and waits. */
  readonly timeoutMs?: number;
  /** Where this call goes, instead of to its client's server. */
  readonly baseUrl?: string | URL | Server;
  /** Sent as `X-Correlation-Id`, so that logs and events can be found by it. */
  readonly correlationId?: string;
  /** Headers of this call. */
  readonly headers?: { readonly [name: string]: string };
  /** Ends the call early; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A client of one server; every generated function takes one. */
export class Core {
  readonly #baseUrl: Base;
  readonly #auth: Auth;
  readonly #headers: Headers;
  readonly #timeoutMs: number;
  readonly #fetch: typeof fetch;
  /** How calls are repeated. */
  readonly retry: Retry;
  /** What makes sockets. */
  readonly webSocket: typeof WebSocket | undefined;

  constructor(options: ClientOptions) {
    this.#baseUrl = baseOf(options.baseUrl);
    this.#auth = options.auth ?? anonymous();
    this.#headers = new Headers(options.headers);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    this.webSocket = options.webSocket;
    const send = options.fetch ?? globalThis.fetch;
    this.#fetch = (input, init) => send(input, init);
  }

  /** Sends a call, again where that is safe and useful, and reads its response. */
  async call<Request extends object, Response extends { status: number }>(
    operation: Operation<Request, Response>,
    request: Request,
    options: CallOptions = {},
  ): Promise<Response> {
    const outgoing = encode(operation, request);
    if (outgoing.body !== undefined && ['GET', 'HEAD'].includes(operation.method)) {
      throw new EncodeError(`\`fetch\` sends no body with ${operation.method}`);
    }
    const incoming = await this.#exchange(operation, outgoing, options);
    // The one cast of the runtime: `decode` builds what the operation's `responses` describe.
    return decode(operation, incoming) as Response;
  }

  /** Prepares a call that answers in pages. */
  list<Request extends object, Response extends { status: number }, Item, Cursor>(
    operation: Paged<Request, Response, Item, Cursor>,
    request: Request,
    options: CallOptions = {},
  ): Listing<Response, Item> {
    const { items, next, resume } = operation;
    const send = (page: Request) => this.call(operation, page, options);
    return Listing.of({ items, next, resume, send }, request);
  }

  async #exchange(operation: Sent, outgoing: Outgoing, options: CallOptions): Promise<Incoming> {
    const timeoutMs = Math.min(options.timeoutMs ?? this.#timeoutMs, LONGEST_TIMEOUT_MS);
    const end = Date.now() + timeoutMs;
    const limits = { deadline: AbortSignal.timeout(timeoutMs), caller: options.signal };
    const attempts = repeatable(operation) ? this.retry.attempts : 1;
    for (let requests = 1; ; requests += 1) {
      const outcome = await this.#attempt(operation, outgoing, options, limits);
      const broken = outcome instanceof TransportError;
      if (!broken && !asksToWait(outcome.status)) return outcome;
      const asked = broken ? undefined : retryAfterMs(outcome.headers);
      const wait = asked ?? delayMs(this.retry, requests);
      if (requests >= attempts || Date.now() + wait >= end) {
        if (broken) throw outcome;
        return outcome;
      }
      await sleep(wait, limits);
    }
  }

  async #attempt(
    operation: Sent,
    outgoing: Outgoing,
    options: CallOptions,
    limits: Limits,
  ): Promise<Incoming | TransportError> {
    const { url, headers } = await this.#address(operation, outgoing, options);
    const { body } = outgoing;
    const opening = new AbortController();
    const late = () => opening.abort(limits.deadline.reason);
    limits.deadline.addEventListener('abort', late);
    if (limits.deadline.aborted) late();
    const signals = limits.caller ? [opening.signal, limits.caller] : [opening.signal];
    const signal = AbortSignal.any(signals);
    const init = { method: operation.method, headers, signal, redirect: 'manual' } as const;
    try {
      const response = await this.#fetch(url, body === undefined ? init : { ...init, body });
      const { status, headers: found } = response;
      if (response.body !== null && isStreamed(operation, status, found)) {
        return { status, headers: found, body: new Uint8Array(), live: response.body };
      }
      const content = new Uint8Array(await response.arrayBuffer());
      return { status, headers: found, body: content };
    } catch (cause) {
      return interrupted(limits) ?? new TransportError(cause);
    } finally {
      // What comes item by item may take longer than a call.
      limits.deadline.removeEventListener('abort', late);
    }
  }

  async #address(operation: Sent, outgoing: Outgoing, options: CallOptions) {
    let { url, credentials } = await this.route(operation, outgoing.target, options);
    const headers = new Headers(this.#headers);
    headers.set('Accept', operation.accept ?? ACCEPT);
    outgoing.headers.forEach((value, name) => headers.set(name, value));
    for (const [name, value] of Object.entries(options.headers ?? {})) {
      setHeader(headers, name, value);
    }
    if (options.correlationId !== undefined) {
      setHeader(headers, 'X-Correlation-Id', options.correlationId);
    }
    for (const credential of credentials) url = apply(credential, url, headers);
    return { url, headers };
  }

  /** Where a request goes, and what proves whose it is. */
  async route(
    operation: Pick<Sent, 'server' | 'security'>,
    target: string,
    options: Pick<CallOptions, 'baseUrl'>,
  ): Promise<Route> {
    const base = options.baseUrl === undefined ? this.#baseUrl : baseOf(options.baseUrl);
    const own = operation.server && base.server?.at(operation.server);
    const url = (own === undefined ? base.url : checkBaseUrl(own)) + target;
    const wanted = operation.security;
    try {
      return { url, credentials: wanted === 'none' ? [] : await this.#auth.credentials(wanted) };
    } catch (cause) {
      throw new EncodeError('no credentials', { cause });
    }
  }
}

/** The parts of an operation a request is sent by. */
interface Sent extends Readable {
  readonly method: string;
  readonly server?: OwnServer;
  readonly accept?: string;
  readonly idempotency?: string;
  readonly security?: 'none' | Alternatives;
}

/** The URL of a request, and the credentials that belong on it. */
export interface Route {
  readonly url: string;
  readonly credentials: readonly Credential[];
}

/** A base URL, and the server of the contract it is of, if it is one. */
interface Base {
  readonly url: string;
  readonly server: Server | undefined;
}

function baseOf(baseUrl: string | URL | Server): Base {
  if (baseUrl instanceof Server) return { url: checkBaseUrl(baseUrl.url), server: baseUrl };
  return { url: checkBaseUrl(baseUrl), server: undefined };
}

/** What may end a call before its response. */
interface Limits {
  readonly deadline: AbortSignal;
  readonly caller: AbortSignal | undefined;
}

/** Throws if the caller or the clock ended the call. */
function interrupted(limits: Limits): undefined {
  limits.caller?.throwIfAborted();
  if (limits.deadline.aborted) throw new TimeoutError();
  return undefined;
}

async function sleep(ms: number, limits: Limits): Promise<void> {
  const { caller } = limits;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    caller?.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', done);
      resolve();
    }
  });
  interrupted(limits);
}

/** Puts a credential in its place. */
function apply(credential: Credential, url: string, headers: Headers): string {
  const { name, value } = credential;
  if (credential.in === 'query') {
    return `${url}${url.includes('?') ? '&' : '?'}${percent(name)}=${percent(value)}`;
  }
  if (credential.in === 'header') {
    setHeader(headers, name, value);
    return url;
  }
  const cookies = headers.get('Cookie');
  setHeader(headers, 'Cookie', cookies ? `${cookies}; ${name}=${value}` : `${name}=${value}`);
  return url;
}
