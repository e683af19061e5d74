import assert from 'node:assert/strict';
import test from 'node:test';
import { linked } from '../dist/runtime/index.js';

const exchange = {
  request: { tenant: 'acme', body: { 'a/b': ['x'] } },
  answer: { status: 201, location: '/orders/7', body: { id: 7, buyer: null } },
};

test('a link makes a request of what was asked, what was answered and what is left', () => {
  const needed = { id: '/answer/body/id', tenant: '/request/tenant', deep: '/request/body/a~1b/0' };
  const wanted = { at: '/answer/location', via: { value: 'link' }, none: '/answer/body/none' };
  const link = { status: '2XX', needed, wanted };
  const request = { id: 7, tenant: 'acme', deep: 'x', at: '/orders/7', via: 'link', own: true };
  assert.deepEqual(linked(exchange, { own: true }, link), request);
});

test('an answer that lacks a part, or has another status, leads nowhere', () => {
  const needing = (source, status) => ({ status, needed: { id: source }, wanted: {} });
  assert.equal(linked(exchange, {}, needing('/answer/body/buyer/id', 201)), undefined);
  assert.equal(linked(exchange, {}, needing('/answer/body/toString', 201)), undefined);
  assert.equal(linked(exchange, {}, needing('/answer/body/id', 200)), undefined);
  assert.deepEqual(linked(exchange, {}, needing('/answer/body/id', 'default')), { id: 7 });
});
