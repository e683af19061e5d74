import assert from 'node:assert/strict';
import test from 'node:test';
import { Core, EncodeError, Server } from '../dist/runtime/index.js';
import { serve } from './server.js';

const UPLOAD = {
  id: 'upload',
  method: 'POST',
  path: '/files',
  server: { url: '{origin}/{version}/{bucket}', defaults: { bucket: 'main', version: 'v1' } },
  responses: { 204: {} },
};

test('a URL gets everything, a server of the contract what is its own', async (context) => {
  const server = await serve(context, { status: 204 });
  const url = '{host}/{version}/';
  const production = new Server(url, { host: server.baseUrl, version: 'v2/beta' });
  await new Core({ baseUrl: production }).call(UPLOAD, {});
  const proxied = new Core({ baseUrl: `${server.baseUrl}/proxy` });
  await proxied.call(UPLOAD, {});
  await proxied.call(UPLOAD, {}, { baseUrl: `${server.baseUrl}/other/` });
  await proxied.call(UPLOAD, {}, { baseUrl: production });
  const urls = server.requests.map((request) => request.url);
  const own = '/v2/beta/main/files';
  assert.deepEqual(urls, [own, '/proxy/files', '/other/files', own]);
});

test("a server of an operation's own is checked as any", async () => {
  for (const version of ['{missing}', 'v1?token=x']) {
    const server = new Server('http://127.0.0.1:1', { version });
    await assert.rejects(new Core({ baseUrl: server }).call(UPLOAD, {}), EncodeError, version);
  }
});

test('a server whose variables nobody said is no server', () => {
  const open = () => new Core({ baseUrl: new Server('https://{host}/') });
  assert.throws(open, EncodeError);
});
