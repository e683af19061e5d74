// npm oidc-provider as the issuer of our server, which finds and follows its keys by itself.
// Usage: node provider.mjs BINARY-OF-THE-SERVER FOLDER-FOR-ITS-DATA

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import Provider from 'oidc-provider';

const [binary, data] = process.argv.slice(2);
const AUDIENCE = 'https://calls.test';

/** A key for signing, of an id. */
function key(kid, kind, options) {
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig' };
}
const rsa = key('rsa', 'rsa', { modulusLength: 2048 });
const elliptic = key('elliptic', 'ec', { namedCurve: 'P-256' });

/** A provider that signs access tokens by the only key it has. */
function provider(issuer, key, alg) {
  const made = new Provider(issuer, {
    jwks: { keys: [key] },
    clients: [{
      client_id: 'daemon',
      client_secret: 'a-secret-of-the-daemon',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: alg,
    }],
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    extraTokenClaims: () => ({ tenant: 'demo' }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          audience: resource,
          scope: 'calls:read calls:write',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
    },
  });
  made.on('server_error', (_, error) => console.error(error));
  return made.callback();
}

let current;
const http = createServer((request, response) => current(request, response));
await new Promise((listening) => http.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${http.address().port}`;
current = provider(issuer, rsa, 'RS256');

/** An access token of the provider. */
async function token(resource, scope) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('daemon:a-secret-of-the-daemon')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, resource }),
  });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.access_token;
}

const server = spawn(binary, [
  'serve', '--listen', '127.0.0.1:0', '--data', data,
  '--issuer', issuer, '--audience', AUDIENCE, '--marked-tokens',
], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => server.kill('SIGKILL'));
const log = [];
const address = await new Promise((listening, failed) => {
  server.on('exit', (code) => failed(new Error(`the server ended with ${code}`)));
  createInterface({ input: server.stdout }).on('line', (line) => {
    log.push(line);
    const { message, address } = JSON.parse(line);
    if (message === 'listening') listening(address);
  });
});

/** The status of listing calls by a token. */
async function list(token) {
  const headers = { authorization: `Bearer ${token}` };
  return (await fetch(`http://${address}/v1/service-calls`, { headers })).status;
}

const first = await token(AUDIENCE, 'calls:read');
assert.equal(await list(first), 200, 'found by discovery alone');
const write = await token(AUDIENCE, 'calls:write');
assert.equal(await list(write), 403);
const other = await token('https://other.test', 'calls:read');
assert.equal(await list(other), 401, 'it is for another audience');

// New keys are followed as soon as a token names one, and old ones end.
current = provider(issuer, elliptic, 'ES256');
const second = await token(AUDIENCE, 'calls:read');
const begun = Date.now();
while (await list(second) !== 200) {
  assert.ok(Date.now() - begun < 20_000, 'the new key was never found');
  await sleep(500);
}
assert.equal(await list(first), 401, 'its key was withdrawn');

// The issuer goes away; its keys stay.
http.closeAllConnections();
await new Promise((closed) => http.close(closed));
assert.equal(await list(second), 200);

for (const secret of [first, write, other, second].map((token) => token.split('.')[2])) {
  assert.ok(!log.some((line) => line.includes(secret)), 'a token is in the log');
}
server.removeAllListeners('exit');
server.kill('SIGTERM');
await new Promise((ended) => server.on('exit', ended));
console.log('oidc-provider: found by discovery, keys followed, known keys kept: fits');
