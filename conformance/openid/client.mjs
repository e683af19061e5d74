// npm openid-client against our development issuer, and the API with the tokens it gets there.
// Usage: node client.mjs URL-OF-THE-SERVER

import assert from 'node:assert/strict';
import * as openid from 'openid-client';

const server = process.argv[2];
const CALLBACK = 'http://127.0.0.1:9999/callback';
const SCOPE = 'openid offline_access calls:read calls:write';

const insecure = { execute: [openid.allowInsecureRequests] };
const config = await openid.discovery(
  new URL(`${server}/development`), 'console', undefined, openid.None(), insecure,
);

/** Lists calls by a token; returns the response. */
function list(token) {
  return fetch(`${server}/v1/service-calls`, { headers: { authorization: `Bearer ${token}` } });
}

/** Goes where the browser would go, and decides as its user would. */
async function decided(url, decision) {
  const page = await fetch(url);
  assert.equal(page.status, 200);
  const html = await page.text();
  for (const name of ['tenant', 'subject', 'grant', 'decision']) {
    assert.match(html, new RegExp(`name="${name}"`));
  }
  const action = /action="([^"]*)"/.exec(html)[1].replaceAll('&amp;', '&');
  const sent = await fetch(new URL(action, url), {
    method: 'POST', body: new URLSearchParams(decision), redirect: 'manual',
  });
  assert.equal(sent.status, 303);
  return new URL(sent.headers.get('location'));
}

// Authorization code with PKCE.
const pkceCodeVerifier = openid.randomPKCECodeVerifier();
const expectedState = openid.randomState();
const expectedNonce = openid.randomNonce();
const url = openid.buildAuthorizationUrl(config, {
  redirect_uri: CALLBACK,
  scope: SCOPE,
  state: expectedState,
  nonce: expectedNonce,
  code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
  code_challenge_method: 'S256',
});
const allow = [
  ['decision', 'allow'], ['tenant', 'demo'], ['subject', 'ada'], ['grant', 'calls:read'],
];
const back = await decided(url, allow);
const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
const tokens = await openid.authorizationCodeGrant(config, back, checks);
assert.equal(tokens.claims().sub, 'ada');
assert.equal(tokens.scope, 'openid offline_access calls:read');
assert.equal((await list(tokens.access_token)).status, 200);
assert.equal((await list(tokens.id_token)).status, 401, 'an ID token is no access token');
await assert.rejects(openid.authorizationCodeGrant(config, back, checks), 'a code is good once');

// A refusal comes back as one.
const denied = await decided(url, [['decision', 'deny']]);
await assert.rejects(
  openid.authorizationCodeGrant(config, denied, checks), { error: 'access_denied' },
);

// Refresh, with a code of its own: the first was used twice, and all it gave has ended.
await assert.rejects(openid.refreshTokenGrant(config, tokens.refresh_token));
const anew = await openid.authorizationCodeGrant(config, await decided(url, allow), checks);
const fresh = await openid.refreshTokenGrant(config, anew.refresh_token);
assert.equal(fresh.claims().sub, 'ada');
assert.notEqual(fresh.refresh_token, anew.refresh_token);
assert.equal((await list(fresh.access_token)).status, 200);

// Whom it is about.
const info = await openid.fetchUserInfo(config, fresh.access_token, 'ada');
assert.equal(info.tenant, 'demo');

// A client by itself, with a secret.
const daemon = await openid.discovery(
  new URL(`${server}/development`), 'daemon:1', 'any & all', openid.ClientSecretBasic(), insecure,
);
const itself = await openid.clientCredentialsGrant(daemon, { scope: 'calls:read', tenant: 'demo' });
assert.equal((await list(itself.access_token)).status, 200);
const writes = await fetch(`${server}/v1/service-calls`, {
  method: 'POST',
  headers: {
    authorization: `Bearer ${itself.access_token}`,
    'content-type': 'application/json',
    'idempotency-key': 'openid-1',
  },
  body: '{}',
});
assert.equal(writes.status, 403, 'it asked to read');
const [header, claims, signature] = itself.access_token.split('.');
const forged = [header, claims, [...signature].reverse().join('')].join('.');
assert.equal((await list(forged)).status, 401);

console.log('openid-client: discovery, code with PKCE, refresh, userinfo, client credentials: fit');
