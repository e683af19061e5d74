// The TypeScript SDK of this case, against answers as they travel.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { Forms } from './dist/forms/index.js';

const FORM = 'id=7&meta=%7B%22pages%22%3A2%7D&paid=true&tags=a%2C+b&tags=c%26d';
const PARTS = [
  '--x\r\nContent-Disposition: form-data; name="receipt"\r\nContent-Type: application/json\r\n\r\n{"id":7}',
  '--x\r\nContent-Disposition: form-data; name="scans"; filename="a %22b%22.png"\r\nContent-Type: image/png\r\n\r\none',
  '--x\r\nContent-Disposition: form-data; name="scans"; filename="two"\r\nContent-Type: image/png\r\n\r\ntwo',
  '--x\r\nContent-Disposition: form-data; name="count"\r\n\r\n2',
  '--x--\r\n',
].join('\r\n');

const ANSWERS = {
  form: [200, 'application/x-www-form-urlencoded', FORM],
  parts: [203, 'multipart/form-data; boundary=x', PARTS],
  oops: [503, 'application/x-www-form-urlencoded', 'oops=false'],
  broken: [200, 'application/x-www-form-urlencoded', 'id=seven'],
};

test('forms in answers are read as their members say', async (context) => {
  const server = createServer((request, response) => {
    const [status, type, body] = ANSWERS[new URL(request.url, 'http://x').searchParams.get('as')];
    response.writeHead(status, { 'Content-Type': type }).end(body);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  context.after(() => server.close());
  const client = new Forms({ baseUrl: `http://127.0.0.1:${server.address().port}`, retry: { attempts: 1 } });

  const form = await client.files.receipts({ as: 'form' });
  const receipt = { id: 7, meta: { pages: 2 }, paid: true, tags: ['a, b', 'c&d'] };
  assert.deepEqual(form, { status: 200, body: receipt });

  const parts = await client.files.receipts({ as: 'parts' });
  assert.deepEqual(parts.body.receipt, { id: 7 });
  assert.equal(parts.body.count, 2);
  assert.deepEqual(parts.body.scans.map((scan) => scan.name), ['a "b".png', 'two']);
  assert.equal(await parts.body.scans[0].text(), 'one');
  assert.equal(parts.body.scans[0].type, 'image/png');

  await assert.rejects(client.files.receipts({ as: 'oops' }), (error) => {
    assert.deepEqual(error.response.body, { oops: false });
    return true;
  });
  await assert.rejects(client.files.receipts({ as: 'broken' }), /documented type/);
});
