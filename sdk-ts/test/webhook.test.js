import assert from 'node:assert/strict';
import test from 'node:test';
import { DecodeError, receive } from '../dist/runtime/index.js';

const shipped = {
  id: 'order.shipped',
  headers: [{ name: 'X-Signature', key: 'xSignature', required: true }],
  query: [
    { name: 'attempt', key: 'attempt', type: 'number' },
    { name: 'tag', key: 'tags', type: 'values' },
    { name: 'ids', key: 'ids', type: 'list' },
  ],
  body: 'json',
};
const node = { 'x-signature': 's', ':path': '/hooks', 'set-cookie': ['a', 'b'] };

test('a webhook is read from what a server received', () => {
  const order = { type: 'shipped', id: 7 };
  const body = JSON.stringify(order);
  const url = '/hooks?attempt=2&tag=a%2C%20b&tag=c&ids=1,2';
  const query = { attempt: 2, tags: ['a, b', 'c'], ids: ['1', '2'] };
  const expected = { xSignature: 's', ...query, body: order };
  assert.deepEqual(receive(shipped, { headers: node, body, url }), expected);
  const one = receive(shipped, { headers: node, body, url: '/?tag=a%2C%20b' });
  assert.deepEqual(one.tags, ['a, b'], 'a comma in the only value parts nothing');
  const fetched = { headers: new Headers({ 'X-Signature': 's' }), body: Buffer.from(body) };
  assert.deepEqual(receive(shipped, fetched), { xSignature: 's', body: order });
});

test('the media type says which form a body has, and none may be left out', () => {
  const forms = [
    { kind: 'json', mediaTypes: ['application/json'] },
    { kind: 'text', mediaTypes: ['text/plain'] },
  ];
  const either = { id: 'note', body: forms, optional: true };
  const plain = { headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'hi' };
  assert.deepEqual(receive(either, plain), { contentType: 'text/plain', body: 'hi' });
  assert.deepEqual(receive(either, { headers: {}, body: '' }), {});
});

test('what is not of the form is said, and what was sent is not', () => {
  const refused = (received, message) => {
    assert.throws(() => receive(shipped, received), (error) => {
      assert.ok(error instanceof DecodeError);
      assert.equal(error.message, message);
      return true;
    });
  };
  refused({ headers: {}, body: '{}' }, 'header `X-Signature` is missing');
  refused({ headers: node, body: 'secret' }, 'the body is not JSON');
  const message = 'query parameter `attempt` does not have the documented type';
  refused({ headers: node, body: '{}', url: 'https://me.example/?attempt=secret' }, message);
  const twice = 'query parameter `attempt` is given more than once';
  refused({ headers: node, body: '{}', url: 'https://me.example/?attempt=1&attempt=2' }, twice);
});
