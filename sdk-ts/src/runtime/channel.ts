import type { Alternatives } from './auth.js';
import type { CallOptions } from './client.js';
import type { Parameter } from './parameters.js';
import type { Retry } from './retry.js';
import type { OwnServer } from './server.js';

/** What the contract says of one channel over WebSocket. Generated constants are of this type. */
export interface Channel<Request, Sent, Received> {
  /** Key of the channel in the contract. */
  readonly id: string;
  /** Address template, such as `/v1/rooms/{roomId}/live`. */
  readonly path: string;
  /** Where it is served, if that is not where the rest of its contract is. */
  readonly server?: OwnServer;
  /** Which of the client's credentials are sent, where it is not all. */
  readonly security?: 'none' | Alternatives;
  /** Where the members of the request travel: in the path or the query string. */
  readonly parameters?: readonly Parameter<keyof Request & string>[];
  /** What may be spoken (`Sec-WebSocket-Protocol`), the preferred first. */
  readonly protocols?: readonly string[];
  /** How messages to the server are written, where they are not all JSON. */
  readonly sends?: readonly FrameKind<Sent>[];
  /** How messages of the server are read, where they are not all JSON. */
  readonly receives?: readonly FrameKind<Received>[];
}

/** How a message is encoded: a text frame of JSON, or text or bytes as they are. */
export type FrameKind<Message> =
  | 'json'
  | (Message extends string ? 'text' : never)
  | (Message extends Uint8Array ? 'bytes' : never);

/** What one socket does differently from its client. */
export interface SocketOptions<Request, Sent, Received>
  extends Pick<CallOptions, 'baseUrl' | 'signal'> {
  /**
   * What is sent first over every connection, before all that waits: what the server forgets with
   * the one before, such as what is watched.
   */
  readonly greeting?: () => readonly Sent[];
  /**
   * The request of the connection that comes after one that was cut off, made of the one before and
   * of the last message there was: `(request, last) => ({ ...request, after: last.id })`. Left out,
   * a socket whose connection is cut off is over: only its user can say how to go on.
   */
  readonly resume?: (request: Request, last: Received) => Request;
  /** Time for each connection to open: 10 000 if left out. */
  readonly connectTimeoutMs?: number;
  /** The most messages that wait to be taken: 1 024 if left out. */
  readonly receiveLimit?: number;
  /** The most messages that wait to be sent: 256 if left out. */
  readonly sendLimit?: number;
  /** The longest message that is taken, in UTF-16 code units: 16 Mi if left out. */
  readonly messageLimit?: number;
  /**
   * How connections are tried again. `attempts` counts those in a row that bring no message; if it
   * is left out the first one is tried as often as a call, and one that was open again for good.
   */
  readonly retry?: Partial<Retry>;
  /** What makes connections: the client's, or the platform's `WebSocket` if left out. */
  readonly webSocket?: typeof WebSocket;
}
