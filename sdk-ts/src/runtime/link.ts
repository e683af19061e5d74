/** What of a request a link leaves to its caller. */
export type Rest<Request, Linked extends PropertyKey> = Request extends unknown
  ? Omit<Request, Linked>
  : never;

/** Where a value is: a constant, or a JSON pointer into request and answer. */
export type Source = string | { readonly value: unknown };

/** What a link makes of an exchange. */
export interface Link {
  /** The status whose answers have it: a number, `2XX` or `default`. */
  readonly status: number | string;
  /** Members of the request that must be found. */
  readonly needed: { readonly [key: string]: Source };
  /** Members of the request that may be found. */
  readonly wanted: { readonly [key: string]: Source };
}

/** A request and its answer. */
export interface Exchange {
  readonly request: object;
  readonly answer: { readonly status: number };
}

/** The request that an answer leads to; nothing if it does not. */
export function linked<Request extends object>(
  exchange: Exchange,
  rest: object,
  link: Link,
): Request | undefined {
  if (!covers(link.status, exchange.answer.status)) return undefined;
  const request: Record<string, unknown> = { ...rest };
  for (const [key, source] of Object.entries({ ...link.wanted, ...link.needed })) {
    const value = typeof source === 'string' ? at(exchange, source) : source.value;
    if (value !== undefined && value !== null) {
      request[key] = value;
    } else if (Object.hasOwn(link.needed, key)) {
      return undefined;
    }
  }
  return request as Request;
}

function covers(documented: number | string, status: number): boolean {
  return (
    documented === status ||
    documented === 'default' ||
    documented === `${Math.floor(status / 100)}XX`
  );
}

/** What stands at a JSON pointer (RFC 6901). */
function at(from: unknown, pointer: string): unknown {
  let found = from;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}
