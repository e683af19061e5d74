import assert from 'node:assert/strict';
import test from 'node:test';
import { inspect } from 'node:util';
import {
  all,
  apiKey,
  basic,
  bearer,
  Core,
  headed,
  isApiError,
  isProblem,
} from '../dist/runtime/index.js';
import { serve } from './server.js';

const GET = {
  id: 'getPet',
  method: 'GET',
  path: '/pets/{petId}',
  parameters: [
    { in: 'path', name: 'petId', key: 'petId' },
    { in: 'query', name: 'tag', key: 'tags' },
    { in: 'cookie', name: 'session', key: 'session' },
  ],
  responses: {
    200: {
      body: 'json',
      headers: [
        { name: 'X-Age', key: 'age', type: 'number' },
        { name: 'X-Near', key: 'near', type: 'json' },
      ],
    },
    204: {},
  },
  problems: ['asleep'],
};
const POST = { ...GET, id: 'addPet', method: 'POST', path: '/pets', parameters: [] };
const ONCE = { attempts: 1 };
const NOW = { initialDelayMs: 1 };

function core(server, options = {}) {
  return new Core({ baseUrl: server.baseUrl, ...options });
}

async function failure(promise) {
  return promise.then(
    () => assert.fail('must reject'),
    (error) => error,
  );
}

test('a call is written below the base path and read by its status', async (context) => {
  const headers = { 'X-Age': '3', 'X-Near': '[[1]]' };
  const server = await serve(context, { headers, body: { name: 'Rex' } });
  const client = new Core({ baseUrl: `${server.baseUrl}/api/`, headers: { 'X-App': 'tests' } });
  const request = { petId: 'a/b', tags: ['x', 'y z'], session: 's' };
  const response = await client.call(GET, request, { correlationId: 'c-1' });
  assert.deepEqual(response, { status: 200, age: 3, near: [[1]], body: { name: 'Rex' } });
  const [sent] = server.requests;
  assert.equal(sent.url, '/api/pets/a%2Fb?tag=x&tag=y%20z');
  assert.equal(sent.headers.cookie, 'session=s');
  assert.equal(sent.headers['x-correlation-id'], 'c-1');
  assert.equal(sent.headers['x-app'], 'tests');
  assert.match(sent.headers.accept, /application\/json/);
});

test('an answer without a body has none', async (context) => {
  const server = await serve(context, { status: 204 });
  assert.deepEqual(await core(server).call(GET, { petId: 1 }), { status: 204 });
});

test('credentials go where they belong, and nowhere if the operation is open', async (context) => {
  const server = await serve(context, { status: 204 });
  const keys = [apiKey('key', 'a&b', 'query'), apiKey('c', 'k', 'cookie')];
  const auth = all(bearer(async () => 'token'), ...keys);
  await core(server, { auth }).call(GET, { petId: 1, session: 's' });
  await core(server, { auth }).call({ ...GET, security: 'none' }, { petId: 1 });
  await core(server, { auth: basic('Aladdin', 'open sesame') }).call(GET, { petId: 1 });
  const [closed, open, simple] = server.requests;
  assert.equal(closed.headers.authorization, 'Bearer token');
  assert.equal(closed.headers.cookie, 'session=s; c=k');
  assert.equal(closed.url, '/pets/1?key=a%26b');
  assert.equal(open.headers.authorization, undefined);
  assert.equal(open.url, '/pets/1');
  assert.equal(simple.headers.authorization, 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==');
});

test('a documented problem is typed, any other response is not', async (context) => {
  const problem = (code) => ({ status: 409, body: { code, title: 'No', secret: 'hidden' } });
  const broken = { status: 500, body: 'hidden' };
  const server = await serve(context, problem('asleep'), problem('other'), broken);
  const errors = [];
  for (let index = 0; index < 3; index += 1) {
    errors.push(await failure(core(server).call(GET, { petId: 1 })));
  }
  const [asleep, other, unexpected] = errors;
  assert.ok(isProblem(asleep, 'asleep'));
  assert.ok(!isProblem(asleep, 'awake'));
  assert.equal(asleep.problem.title, 'No');
  assert.equal(asleep.status, 409);
  assert.equal(other.name, 'UnexpectedError');
  assert.equal(JSON.parse(other.body).code, 'other');
  assert.equal(unexpected.status, 500);
  assert.doesNotMatch(inspect(unexpected), /hidden/);
});

test('errors documented by status carry their body', async (context) => {
  const errors = { '4XX': { body: 'json' }, default: { body: 'json' } };
  const operation = { ...GET, problems: undefined, errors };
  const gone = { status: 404, body: { why: 'gone' } };
  const server = await serve(context, gone, { status: 500, body: '<html>' });
  const missing = await failure(core(server).call(operation, { petId: 1 }));
  assert.ok(isApiError(missing));
  assert.deepEqual(missing.response, { status: 404, body: { why: 'gone' } });
  const broken = await failure(core(server).call(operation, { petId: 1 }));
  assert.equal(broken.name, 'UnexpectedError');
});

test('a success that is not as documented is a decode error', async (context) => {
  const required = { name: 'Location', key: 'location', required: true };
  const old = { headers: { 'X-Age': 'old' }, body: '{}' };
  const server = await serve(context, { body: 'not json' }, old, { status: 201 });
  const operation = { ...GET, responses: { ...GET.responses, 201: { headers: [required] } } };
  for (let index = 0; index < 3; index += 1) {
    assert.equal((await failure(core(server).call(operation, { petId: 1 }))).name, 'DecodeError');
  }
});

test('a redirect is a response like any other', async (context) => {
  const server = await serve(context, { status: 302, headers: { Location: '/elsewhere' } });
  const headers = [{ name: 'Location', key: 'location' }];
  const operation = { ...GET, responses: { 302: { headers } } };
  const response = await core(server).call(operation, { petId: 1 });
  assert.deepEqual(response, { status: 302, location: '/elsewhere' });
  assert.equal(server.requests.length, 1);
});

test('bodies are written by kind', async (context) => {
  const server = await serve(context, { status: 204 });
  const send = (body, content) => core(server).call({ ...POST, body }, { body: content });
  await send({ kind: 'json', mediaType: 'application/merge-patch+json' }, { a: null });
  await send({ kind: 'form' }, { a: 'x y' });
  await send({ kind: 'text' }, 'hé');
  await send({ kind: 'bytes' }, new Uint8Array([65, 66]));
  const sent = server.requests.map(({ body, headers }) => [headers['content-type'], body]);
  assert.deepEqual(sent, [
    ['application/merge-patch+json', '{"a":null}'],
    ['application/x-www-form-urlencoded', 'a=x%20y'],
    ['text/plain; charset=utf-8', 'hé'],
    ['application/octet-stream', 'AB'],
  ]);
});

test('a multipart body has a part an element', async (context) => {
  const server = await serve(context, { status: 204 });
  const file = new File(['data'], 'a"b.txt', { type: 'text/plain' });
  const body = { kind: 'multipart', parts: { meta: 'application/json' } };
  const content = { n: 1, meta: 'm', file, tags: ['x', 'y'], none: null };
  await core(server).call({ ...POST, body }, { body: content });
  const [multipart] = server.requests;
  const boundary = multipart.headers['content-type'].split('boundary=')[1];
  const part = (name, more, text) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n${text}\r\n`;
  assert.equal(
    multipart.body,
    part('n', '', '1') +
      part('meta', '\r\nContent-Type: application/json', '"m"') +
      part('file', '; filename="a%22b.txt"\r\nContent-Type: text/plain', 'data') +
      part('tags', '', 'x') +
      part('tags', '', 'y') +
      `--${boundary}--\r\n`,
  );
});

async function sentBy(context, operation, body) {
  const server = await serve(context, { status: 204 });
  await core(server).call(operation, { body });
  return server.requests[0].body;
}

test('parts in order go and come, with their headers', async (context) => {
  const parts = '--b\r\nContent-Type: text/plain\r\nX-Id: 1\r\n\r\na\r\n\r\n--b\r\n\r\n\r\n--b--';
  const reply = { headers: { 'Content-Type': 'multipart/mixed; boundary="b"' }, body: parts };
  const server = await serve(context, reply, { ...reply, body: '--b\r\n\r\n' }, { status: 204 });
  const operation = {
    ...POST,
    body: { kind: 'parts', mediaType: 'multipart/mixed' },
    responses: { 200: { body: 'parts' } },
  };
  const file = headed(new File(['data'], 'a.txt', { type: 'text/plain' }), { 'X-Id': '7' });
  const body = [file, new Uint8Array([65])];
  const answer = await core(server).call(operation, { body });
  const texts = answer.body.map(({ content }) => new TextDecoder().decode(content));
  assert.deepEqual(texts, ['a\r\n', '']);
  assert.deepEqual(answer.body[0].headers, { 'content-type': 'text/plain', 'x-id': '1' });
  const [sent] = server.requests;
  const boundary = sent.headers['content-type'].split('boundary=')[1];
  assert.equal(
    sent.body,
    `--${boundary}\r\nContent-Type: text/plain\r\n` +
      'Content-Disposition: attachment; filename="a.txt"\r\nX-Id: 7\r\n\r\ndata\r\n' +
      `--${boundary}\r\n\r\nA\r\n--${boundary}--\r\n`,
  );
  const spread = { ...POST, body: { kind: 'multipart', spread: ['m'] } };
  assert.match(
    await sentBy(context, spread, { m: { a: [1, 'b'], c: null } }),
    /name="m\[a\]\[0\]"\r\n\r\n1\r\n[^]*name="m\[a\]\[1\]"\r\n\r\nb\r\n--[^\r]*--/,
  );
  const cut = await failure(core(server).call(operation, { body }));
  assert.equal(cut.name, 'DecodeError');
  await core(server).call({ ...POST, body: { kind: 'multipart' } }, { body: { file } });
  assert.match(server.requests[2].body, /Content-Type: text\/plain\r\nX-Id: 7\r\n\r\ndata/);
});

test('what is safe to repeat is repeated, with one idempotency key', async (context) => {
  const later = { status: 503, headers: { 'Retry-After': '0' } };
  const server = await serve(context, later, { destroy: true }, { status: 204 });
  const parameters = [{ in: 'header', name: 'Idempotency-Key', key: 'idempotencyKey' }];
  const operation = { ...POST, idempotency: 'Idempotency-Key', parameters };
  await core(server, { retry: NOW }).call(operation, { idempotencyKey: '' });
  const keys = server.requests.map((request) => request.headers['idempotency-key']);
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 1);
  assert.match(keys[0], /^[0-9a-f-]{36}$/);
  await core(server).call(operation, { idempotencyKey: 'mine' });
  assert.equal(server.requests[3].headers['idempotency-key'], 'mine');
});

test('what is not safe to repeat is sent once', async (context) => {
  const server = await serve(context, { status: 503 }, { destroy: true });
  const busy = await failure(core(server, { retry: NOW }).call(POST, {}));
  assert.equal(busy.status, 503);
  const broken = await failure(core(server, { retry: NOW }).call(POST, {}));
  assert.equal(broken.name, 'TransportError');
  assert.equal(server.requests.length, 2);
});

test('attempts end, and a wait longer than the timeout is not begun', async (context) => {
  const busy = await serve(context, { status: 429 });
  assert.equal((await failure(core(busy, { retry: NOW }).call(GET, { petId: 1 }))).status, 429);
  assert.equal(busy.requests.length, 3);
  const away = await serve(context, { status: 503, headers: { 'Retry-After': '3600' } });
  assert.equal((await failure(core(away).call(GET, { petId: 1 }))).status, 503);
  assert.equal(away.requests.length, 1);
});

test('a timeout spans the whole call, a signal ends it with its reason', async (context) => {
  const server = await serve(context, { status: 204, delayMs: 2_000 });
  const late = await failure(core(server).call(GET, { petId: 1 }, { timeoutMs: 50 }));
  assert.equal(late.name, 'TimeoutError');
  const reason = new Error('no longer wanted');
  const signal = AbortSignal.abort(reason);
  assert.equal(await failure(core(server).call(GET, { petId: 1 }, { signal })), reason);
});

test('nothing is sent that cannot be written, and no message shows a secret', async (context) => {
  const server = await serve(context, { status: 204 });
  const errors = [
    await failure(core(server).call(GET, { petId: '..' })),
    await failure(core(server, { auth: bearer('sec\nret') }).call(GET, { petId: 1 })),
    await failure(core(server).call(GET, { petId: 1 }, { correlationId: 'sec\nret' })),
    await failure(core(server, { auth: bearer(() => Promise.reject()) }).call(GET, { petId: 1 })),
  ];
  for (const error of errors) {
    assert.equal(error.name, 'EncodeError');
    assert.doesNotMatch(inspect(error), /sec\nret|sec\\nret/);
  }
  assert.equal(server.requests.length, 0);
  const closed = new Core({ baseUrl: 'http://127.0.0.1:1', retry: ONCE });
  assert.equal((await failure(closed.call(GET, { petId: 1 }))).name, 'TransportError');
});

test('a base URL is checked', () => {
  for (const baseUrl of ['/v1', 'ftp://host', 'http://user:pass@host', 'http://host?key=1']) {
    assert.throws(() => new Core({ baseUrl }), { name: 'EncodeError', message: /^base URL/ });
  }
});
