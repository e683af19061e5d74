import { EncodeError } from './error.js';

/** A server of a contract. Generated clients have theirs as `servers`. */
export class Server {
  /** Its URL. */
  readonly url: string;
  readonly #variables: Variables;

  constructor(url: string, variables: Variables = {}) {
    this.#variables = variables;
    this.url = fill(url, variables);
  }

  /** The URL that the path of an operation follows which has a server of its own. */
  at(own: OwnServer): string {
    const origin = () => new URL(this.url).origin;
    return fill(own.url, { ...own.defaults, ...this.#variables }, origin);
  }
}

/** What variables of a URL stand for; one that is `undefined` is as good as none. */
export interface Variables {
  readonly [name: string]: string | undefined;
}

/** Where an operation is served, if that is not where the rest of its contract is. */
export interface OwnServer {
  /** Its URL, with `{variables}`; `{origin}` is that of the client's server. */
  readonly url: string;
  /** What variables stand for that the client's server does not have. */
  readonly defaults?: Variables;
}

function fill(url: string, variables: Variables, origin?: () => string): string {
  return url.replace(/\{([^}]*)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    return value ?? (name === 'origin' && origin ? origin() : whole);
  });
}

/** A base URL without the slash at its end, ready for a path to follow. */
export function checkBaseUrl(baseUrl: string | URL): string {
  const url = URL.canParse(String(baseUrl)) ? new URL(baseUrl) : undefined;
  if (/[{}]/.test(String(baseUrl))) {
    throw new EncodeError('base URL: a variable of it stands for nothing');
  }
  if (url === undefined) throw new EncodeError('base URL: not an absolute URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new EncodeError('base URL: must start with http:// or https://');
  }
  if (url.username || url.password) throw new EncodeError('base URL: must not hold credentials');
  if (url.search || url.hash) {
    throw new EncodeError('base URL: must not hold a query string or a fragment');
  }
  return url.href.replace(/\/+$/, '');
}
