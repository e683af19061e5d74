import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import test from 'node:test';
import { bearer, Core, follow } from '../dist/runtime/index.js';
import { serve } from './server.js';

const WATCH = {
  id: 'watch',
  method: 'GET',
  path: '/news',
  parameters: [{ in: 'header', name: 'Last-Event-ID', key: 'lastEventId' }],
  responses: {
    200: {
      body: [
        { kind: 'json', mediaTypes: ['application/json'] },
        { kind: 'events', mediaTypes: ['text/event-stream'] },
        { kind: 'lines', mediaTypes: ['application/jsonl'] },
      ],
    },
  },
};

async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

/** A server that writes each piece once the one before it was taken. */
async function pieces(context, mediaType, write) {
  let closed;
  const left = new Promise((resolve) => (closed = resolve));
  const server = createServer(async (request, response) => {
    response.on('close', closed);
    response.writeHead(200, { 'Content-Type': mediaType });
    await write(response, request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { core: new Core({ baseUrl: `http://127.0.0.1:${server.address().port}` }), left };
}

test('events arrive one by one, and stopping ends the response', async (context) => {
  let go;
  const { core, left } = await pieces(context, 'text/event-stream', async (response, request) => {
    const taken = () => new Promise((resolve) => (go = resolve));
    response.write(`: hello\n\nid: ${request.headers['last-event-id']}\nevent: a\nda`);
    response.write('ta: {"n":\ndata: 1}\r\n\r\n');
    await taken();
    response.write('retry: 9\ndata: {"n":2}\n\ndata: cut');
  });
  // The deadline is for the answer to begin; the stream may take longer.
  const { body, contentType } = await core.call(WATCH, { lastEventId: '7' }, { timeoutMs: 5_000 });
  assert.equal(contentType, 'text/event-stream');
  const seen = [];
  for await (const event of body) {
    seen.push(event);
    go();
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, [
    { event: 'a', id: '7', data: { n: 1 } },
    { retryMs: 9, id: '7', data: { n: 2 } },
  ]);
  await left;
});

test('`[DONE]` ends events; lines need no last break', async (context) => {
  const events = await pieces(context, 'text/event-stream; charset=utf-8', (response) =>
    response.end('data: 1\n\ndata: [DONE]\n\ndata: 2\n\n'),
  );
  const { body } = await events.core.call(WATCH, {});
  assert.deepEqual(await all(body), [{ data: 1 }]);
  const lines = await pieces(context, 'application/jsonl', (response) =>
    response.end('{"n":1}\n\n\u001e{"n":2}\n{"n":3}'),
  );
  const read = await lines.core.call(WATCH, {});
  assert.deepEqual(await all(read.body), [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('a body is written in the form its media type asks for', async (context) => {
  const server = await serve(context, { status: 204 });
  const core = new Core({ baseUrl: server.baseUrl });
  const post = {
    id: 'post',
    method: 'POST',
    path: '/',
    body: [
      { kind: 'json', mediaType: 'application/json' },
      { kind: 'form', mediaType: 'application/x-www-form-urlencoded' },
      { kind: 'bytes', mediaType: 'image/*' },
    ],
    responses: { 204: {} },
  };
  const lines = { ...post, body: { kind: 'lines', mediaType: 'application/x-ndjson' } };
  await core.call(post, { body: { a: 'x y' } });
  await core.call(post, { body: { a: 'x y' }, contentType: 'application/x-www-form-urlencoded' });
  await core.call(post, { body: new Uint8Array([65]), contentType: 'image/png' });
  await core.call(lines, { body: [{ a: 1 }, { a: 2 }] });
  const sent = server.requests.map(({ headers, body }) => [headers['content-type'], body]);
  assert.deepEqual(sent, [
    ['application/json', '{"a":"x y"}'],
    ['application/x-www-form-urlencoded', 'a=x%20y'],
    ['image/png', 'A'],
    ['application/x-ndjson', '{"a":1}\n{"a":2}\n'],
  ]);
  await assert.rejects(core.call(post, { body: {}, contentType: 'text/css' }), /no body of/);
});

test('a stream is taken up where it ended', async (context) => {
  const parts = ['id: 1\nretry: 1\ndata: 1\n\n', 'data: 2\n\nid: 3\ndata: 3\n\n'];
  const headers = { 'Content-Type': 'text/event-stream' };
  const server = await serve(context, ...parts.map((body) => ({ headers, body })));
  const core = new Core({ baseUrl: server.baseUrl });
  const asked = [];
  const events = follow(async (lastEventId) => {
    asked.push(lastEventId);
    if (asked.length > parts.length) return undefined;
    return (await core.call(WATCH, { lastEventId })).body;
  });
  const seen = (await all(events)).map((event) => event.data);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.deepEqual(asked, [undefined, '1', '3']);
});

test('a stream that ends with its token goes on with another', async (context) => {
  const parts = [
    // It ends before there was any event: where it was is all there is to come back with.
    ': open\nretry: 1\n\nid: 7\n\n',
    'data: 8\nid: 8\n\n',
    ': open\n\n',
    // Cut off within an event, which is none then.
    'data: 9\nid: 9\n\ndata: 10\nid: 10\n',
    'data: 10\nid: 10\n\n',
  ];
  const headers = { 'Content-Type': 'text/event-stream' };
  const server = await serve(context, ...parts.map((body) => ({ headers, body })));
  let tokens = 0;
  const core = new Core({ baseUrl: server.baseUrl, auth: bearer(() => `${tokens++}`) });
  const events = follow(async (lastEventId) => {
    if (server.requests.length === parts.length) return undefined;
    return (await core.call(WATCH, { lastEventId })).body;
  });
  assert.deepEqual((await all(events)).map((event) => event.data), [8, 9, 10]);
  const asked = server.requests.map(({ headers: sent }) => [
    sent.authorization,
    sent['last-event-id'],
  ]);
  const places = [undefined, '7', '8', '8', '9'];
  assert.deepEqual(asked, places.map((place, at) => [`Bearer ${at}`, place]));
});

test('a documented redirect is an answer and is not followed', async (context) => {
  const server = await serve(context, { status: 303, headers: { Location: '/elsewhere' } });
  const header = { name: 'Location', key: 'location', required: true };
  const responses = { 303: { headers: [header] } };
  const operation = { id: 'go', method: 'GET', path: '/', responses };
  const answer = await new Core({ baseUrl: server.baseUrl }).call(operation, {});
  assert.deepEqual(answer, { status: 303, location: '/elsewhere' });
  assert.equal(server.requests.length, 1);
});

test('who has a version is told so, and has no body', async (context) => {
  const ETag = '"7"';
  const whole = { headers: { ETag, 'Content-Type': 'application/json' }, body: '{"name":"Rex"}' };
  const server = await serve(context, whole, { status: 304, headers: { ETag } });
  const headers = [{ name: 'ETag', key: 'eTag', required: true }];
  const responses = { 200: { body: 'json', headers }, 304: { headers } };
  const parameters = [{ in: 'header', name: 'If-None-Match', key: 'ifNoneMatch' }];
  const operation = { id: 'get', method: 'GET', path: '/', parameters, responses };
  const core = new Core({ baseUrl: server.baseUrl });
  const { eTag } = await core.call(operation, {});
  assert.deepEqual(await core.call(operation, { ifNoneMatch: eTag }), { status: 304, eTag });
  assert.equal(server.requests[1].headers['if-none-match'], ETag);
});

test('a body that the platform cannot send is said before anything is sent', async (context) => {
  const server = await serve(context, { status: 204 });
  const operation = { id: 'get', method: 'GET', path: '/', body: { kind: 'json' }, responses: {} };
  const core = new Core({ baseUrl: server.baseUrl });
  await assert.rejects(core.call(operation, { body: {} }), { name: 'EncodeError' });
  assert.equal(server.requests.length, 0);
});

test('events described as wholes have their kind and their payload', async (context) => {
  const body = 'event: text\ndata: hello\n\nevent: point\nid: 7\ndata: {"x":1}\n\n';
  const server = await serve(context, { headers: { 'Content-Type': 'text/event-stream' }, body });
  const operation = { ...WATCH, responses: { 200: { body: 'wholeEvents' } } };
  const answer = await new Core({ baseUrl: server.baseUrl }).call(operation, {});
  assert.deepEqual((await all(answer.body)).map((event) => event.data), [
    { event: 'text', data: 'hello' },
    { event: 'point', id: '7', data: { x: 1 } },
  ]);
});
