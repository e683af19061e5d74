/** One credential and its place on the request. */
export interface Credential {
  readonly in: 'header' | 'query' | 'cookie';
  readonly name: string;
  readonly value: string;
}

/** A source of credentials. It is asked before every attempt, so it may renew what expired. */
export interface Auth {
  credentials(wanted?: Alternatives): readonly Credential[] | Promise<readonly Credential[]>;
}

/** Sets of security schemes of which any will do; an empty set allows for no credentials. */
export type Alternatives = readonly (readonly string[])[];

/** A secret, or where to get it. */
export type Secret = string | (() => string | Promise<string>);

/** Sends no credentials. */
export function anonymous(): Auth {
  return { credentials: () => [] };
}

/** Sends `Authorization: Bearer <token>` (RFC 6750). */
export function bearer(token: Secret): Auth {
  return single('header', 'Authorization', async () => `Bearer ${await reveal(token)}`);
}

/** Sends user name and password in `Authorization: Basic` (RFC 7617). */
export function basic(username: string, password: Secret): Auth {
  return single('header', 'Authorization', async () => {
    const pair = new TextEncoder().encode(`${username}:${await reveal(password)}`);
    return `Basic ${btoa(String.fromCharCode(...pair))}`;
  });
}

/** Sends an API key in the place the contract names. Servers tend to log the query string. */
export function apiKey(name: string, value: Secret, place: Credential['in'] = 'header'): Auth {
  return single(place, name, () => reveal(value));
}

/** Sends several credentials at once, where the contract asks for one scheme and another. */
export function all(...sources: readonly Auth[]): Auth {
  return {
    credentials: async () => {
      const credentials: Credential[] = [];
      for (const source of sources) credentials.push(...(await source.credentials()));
      return credentials;
    },
  };
}

/** Sends `Authorization: <scheme> <secret>` (RFC 9110, 11.6.2). */
export function authorization(scheme: string, secret: Secret): Auth {
  return single('header', 'Authorization', async () => `${scheme} ${await reveal(secret)}`);
}

/**
 * Credentials by security scheme: what a generated `credentials` is made of. An operation gets
 * those of the first alternative that all are there for; with none there, it is sent without
 * credentials if the contract allows that, and else not at all.
 */
export function keyring(sources: { readonly [scheme: string]: Auth | undefined }): Auth {
  const held = new Map(Object.entries(sources).filter(([, source]) => source !== undefined));
  const complete = (schemes: readonly string[]) => schemes.every((scheme) => held.has(scheme));
  return {
    credentials: async (given) => {
      const wanted = given ?? (held.size > 0 ? [[...held.keys()]] : []);
      // Whoever has credentials means to be known where that is left open.
      const met = wanted.find((schemes) => schemes.length > 0 && complete(schemes));
      if (wanted.length === 0) throw new Error('none were given');
      if (met === undefined && !wanted.some((schemes) => schemes.length === 0)) {
        const ways = wanted.map((schemes) => schemes.join(' and ')).join(', or of ');
        throw new Error(`the operation needs those of ${ways}`);
      }
      const credentials: Credential[] = [];
      for (const scheme of met ?? []) {
        credentials.push(...((await held.get(scheme)?.credentials()) ?? []));
      }
      return credentials;
    },
  };
}

function single(place: Credential['in'], name: string, value: () => Promise<string>): Auth {
  return { credentials: async () => [{ in: place, name, value: await value() }] };
}

async function reveal(secret: Secret): Promise<string> {
  return typeof secret === 'string' ? secret : secret();
}
