import assert from 'node:assert/strict';
import test from 'node:test';
import { DEFAULT_RETRY, delayMs, retryAfterMs } from '../dist/runtime/retry.js';

test('delays stay below a doubling ceiling', () => {
  for (const [requests, ceiling] of [[1, 250], [2, 500], [3, 1000], [40, 8000]]) {
    for (let index = 0; index < 50; index += 1) {
      assert.ok(delayMs(DEFAULT_RETRY, requests) <= ceiling);
    }
  }
});

test('Retry-After is seconds or a date', () => {
  const read = (text) => retryAfterMs(new Headers({ 'Retry-After': text }));
  assert.equal(read('7'), 7_000);
  assert.equal(read('Sun, 06 Nov 1994 08:49:37 GMT'), 0);
  assert.ok(read('Sat, 06 Nov 2094 08:49:37 GMT') > 0);
  assert.equal(read('soon'), undefined);
  assert.equal(retryAfterMs(new Headers()), undefined);
});
