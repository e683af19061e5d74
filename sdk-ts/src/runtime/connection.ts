import { TimeoutError } from './error.js';

/** How a connection ended. */
export interface Ending {
  /** Status code (RFC 6455, 7.4); 1006 if it broke, 1005 if there was none. */
  readonly code: number;
  /** What the other side said about it. */
  readonly reason: string;
  /** Whether it was open before. */
  readonly opened: boolean;
  /** What it ended for on this side, or what the platform tells of it. */
  readonly cause?: unknown;
}

/** Who takes what comes over a connection. */
export interface Taker {
  /** It is open; whoever throws ends it by that, here and below. */
  open(): void;
  /** A message came. */
  message(data: unknown): void;
}

/** Code of a connection that this side gives up: one for private use, which clients may send. */
const GIVEN_UP = 4000;

/** Watches a new connection until it ends. */
export function watch(socket: WebSocket, timeoutMs: number, taker: Taker): Promise<Ending> {
  return new Promise((resolve) => {
    let opened = false;
    let broken: unknown;
    let over = false;
    const timer = setTimeout(() => give({ code: 1006, cause: new TimeoutError() }), timeoutMs);
    const finish = (found: { code: number; reason?: string; cause?: unknown }) => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      resolve({ reason: '', opened, ...found });
    };
    const give = (found: { code: number; cause: unknown }) => {
      finish(found);
      if (opened) socket.close(GIVEN_UP);
      else socket.close();
    };
    const take = (what: () => void) => {
      if (over) return;
      try {
        what();
      } catch (cause) {
        give({ code: GIVEN_UP, cause });
      }
    };
    socket.addEventListener('open', () => {
      clearTimeout(timer);
      opened = true;
      take(() => taker.open());
    });
    socket.addEventListener('message', ({ data }) => take(() => taker.message(data)));
    // What a platform tells here is all there is of why a handshake failed; not all tell its end.
    socket.addEventListener('error', (event) => {
      broken = 'error' in event ? event.error : undefined;
      if (!opened) finish({ code: 1006, cause: broken });
    });
    socket.addEventListener('close', ({ code, reason }) => finish({ code, reason, cause: broken }));
  });
}
