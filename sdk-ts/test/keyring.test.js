import assert from 'node:assert/strict';
import { test } from 'node:test';

import { apiKey, bearer, keyring } from '../dist/runtime/index.js';

const held = keyring({ appId: apiKey('app_id', 'i', 'query'), oauth: bearer(async () => 't') });
const names = async (wanted) => (await held.credentials(wanted)).map(({ name }) => name);

test('the first alternative that is complete is sent', async () => {
  assert.deepEqual(await names([['appId', 'appKey'], ['oauth'], ['appId']]), ['Authorization']);
  assert.deepEqual(await names([['appId', 'oauth']]), ['app_id', 'Authorization']);
  assert.deepEqual(await names([[], ['oauth']]), ['Authorization']);
  assert.deepEqual(await names([[], ['appKey']]), []);
  assert.deepEqual(await names(undefined), ['app_id', 'Authorization']);
});

test('what cannot be met is said and nothing is sent', async () => {
  await assert.rejects(names([['appKey', 'appId'], ['basic']]), /appKey and appId, or of basic/);
  await assert.rejects(async () => keyring({}).credentials());
});
