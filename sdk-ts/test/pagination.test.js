import assert from 'node:assert/strict';
import test from 'node:test';
import { Core } from '../dist/runtime/index.js';
import { serve } from './server.js';

const LIST = {
  id: 'listPets',
  method: 'GET',
  path: '/pets',
  parameters: [
    { in: 'query', name: 'tag', key: 'tag' },
    { in: 'query', name: 'cursor', key: 'cursor' },
  ],
  responses: { 200: { body: 'json' } },
  items: (response) => response.body.items,
  next: (response) => response.body.nextCursor,
  resume: (request, cursor) => ({ ...request, cursor }),
};

const PAGES = [
  { body: { items: [1, 2], nextCursor: 'b' } },
  { body: { items: [], nextCursor: 'c' } },
  { body: { items: [3], nextCursor: null } },
];

test('awaiting a listing gives one page', async (context) => {
  const server = await serve(context, ...PAGES);
  const listing = new Core({ baseUrl: server.baseUrl }).list(LIST, { tag: 'x' });
  assert.equal(server.requests.length, 0);
  assert.deepEqual((await listing).body.items, [1, 2]);
  assert.equal(server.requests.length, 1);
});

test('iterating walks all pages under the same filters', async (context) => {
  const server = await serve(context, ...PAGES);
  const items = [];
  for await (const item of new Core({ baseUrl: server.baseUrl }).list(LIST, { tag: 'x' })) {
    items.push(item);
  }
  assert.deepEqual(items, [1, 2, 3]);
  const urls = server.requests.map((request) => request.url);
  assert.deepEqual(urls, ['/pets?tag=x', '/pets?tag=x&cursor=b', '/pets?tag=x&cursor=c']);
});

test('a page is fetched when it is asked for', async (context) => {
  const server = await serve(context, ...PAGES);
  for await (const page of new Core({ baseUrl: server.baseUrl }).list(LIST, {}).pages()) {
    assert.deepEqual(page, [1, 2]);
    break;
  }
  assert.equal(server.requests.length, 1);
});

test('pages that never end are an error', async (context) => {
  const server = await serve(context, PAGES[0]);
  const listing = new Core({ baseUrl: server.baseUrl }).list(LIST, {});
  await assert.rejects(async () => {
    for await (const item of listing) assert.ok(item);
  }, { name: 'DecodeError' });
  assert.equal(server.requests.length, 2);
});
