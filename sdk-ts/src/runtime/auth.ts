/** One credential and its place on the request. */
export interface Credential {
  readonly in: 'header' | 'query' | 'cookie';
  readonly name: string;
  readonly value: string;
}

/** A source of credentials. It is asked before every attempt, so it may renew what expired. */
export interface Auth {
  credentials(): readonly Credential[] | Promise<readonly Credential[]>;
}

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

function single(place: Credential['in'], name: string, value: () => Promise<string>): Auth {
  return { credentials: async () => [{ in: place, name, value: await value() }] };
}

async function reveal(secret: Secret): Promise<string> {
  return typeof secret === 'string' ? secret : secret();
}
