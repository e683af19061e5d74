// Who is signed in: an access token of this tab, pasted or got by the authorization code flow with
// PKCE (RFC 7636) from the issuer the server trusts.

const PLACE = 'symbolon.session';
const PENDING = 'symbolon.sign-in';

/** What the server says of signing in: `{ issuer, client, scopes }`; no issuer, no button. */
export async function settings() {
  const answer = await fetch('console/settings.json');
  return answer.ok ? answer.json() : { issuer: null };
}

export function token() {
  return sessionStorage.getItem(PLACE);
}

export function keep(token) {
  sessionStorage.setItem(PLACE, token);
}

export function forget() {
  sessionStorage.removeItem(PLACE);
}

/** Who a token is for, as it says itself; nothing is known of an API key. */
export function described(token) {
  try {
    const claims = JSON.parse(new TextDecoder().decode(bytes(token.split('.')[1])));
    return [claims.sub, claims.tenant].filter(Boolean).join(' · ');
  } catch {
    return '';
  }
}

/** Leaves for the issuer's page; it leads back here. */
export async function signIn({ issuer, client, scopes }) {
  const { authorization_endpoint } = await configuration(issuer);
  const verifier = text(crypto.getRandomValues(new Uint8Array(32)));
  const state = text(crypto.getRandomValues(new Uint8Array(16)));
  sessionStorage.setItem(PENDING, JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  const url = new URL(authorization_endpoint);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: here(),
    scope: scopes.join(' '),
    state,
    code_challenge: text(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  });
  location.assign(url);
}

/**
 * Finishes a sign-in if this page was come back to from one; the address forgets the code.
 * Throws when the issuer refused.
 */
export async function comeBack({ issuer, client }) {
  const answer = new URLSearchParams(location.search);
  if (!answer.has('state')) return;
  history.replaceState(null, '', here());
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? '{}');
  sessionStorage.removeItem(PENDING);
  if (answer.get('state') !== pending.state) return;
  if (answer.has('error')) {
    throw new Error(answer.get('error_description') ?? answer.get('error'));
  }
  const { token_endpoint } = await configuration(issuer);
  const form = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: client,
    redirect_uri: here(),
    code: answer.get('code'),
    code_verifier: pending.verifier,
  });
  const given = await fetch(token_endpoint, { method: 'POST', body: form });
  const body = await given.json();
  if (!given.ok) throw new Error(body.error_description ?? body.error ?? 'the issuer refused');
  keep(body.access_token);
}

async function configuration(issuer) {
  const answer = await fetch(`${issuer}/.well-known/openid-configuration`);
  if (!answer.ok) throw new Error('the issuer does not answer');
  return answer.json();
}

function here() {
  return location.origin + location.pathname;
}

function text(bytes) {
  const plain = btoa(String.fromCharCode(...bytes));
  return plain.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function bytes(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}
