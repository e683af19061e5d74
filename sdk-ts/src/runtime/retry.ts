/**
 * How often and how patiently a call is repeated.
 *
 * Only calls that are safe to repeat are: idempotent methods (RFC 9110, 9.2.2) and operations that
 * carry an idempotency key, after status 429, status 503 or a broken connection.
 */
export interface Retry {
  /** Requests in all, the first included. */
  readonly attempts: number;
  /** Longest wait before the second request; doubles with every further one. */
  readonly initialDelayMs: number;
  /** No wait is longer, unless the server asks for it with `Retry-After`. */
  readonly longestDelayMs: number;
}

/** What is done unless a client says otherwise. */
export const DEFAULT_RETRY: Retry = { attempts: 3, initialDelayMs: 250, longestDelayMs: 8_000 };

/** Every call is sent once. */
export const NO_RETRY: Retry = { attempts: 1, initialDelayMs: 0, longestDelayMs: 0 };

const IDEMPOTENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE', 'QUERY'];

/** Whether a second request cannot do more than the first. */
export function repeatable(operation: { method: string; idempotency?: string }): boolean {
  return operation.idempotency !== undefined || IDEMPOTENT.includes(operation.method);
}

/** Whether the server asks to come back later. */
export function asksToWait(status: number): boolean {
  return status === 429 || status === 503;
}

/** The wait after so many requests: exponential backoff with full jitter. */
export function delayMs(retry: Retry, requests: number): number {
  const ceiling = Math.min(retry.longestDelayMs, retry.initialDelayMs * 2 ** (requests - 1));
  return Math.random() * ceiling;
}

/** The wait the server asks for, in seconds or as a date (RFC 9110, 10.2.3). */
export function retryAfterMs(headers: Headers): number | undefined {
  const text = headers.get('Retry-After')?.trim();
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
