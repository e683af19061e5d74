import assert from 'node:assert/strict';
import test from 'node:test';
import { SignatureError, signWebhook, verifyWebhook } from '../dist/runtime/index.js';

// The vector of the reference implementations.
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const sent = 1_614_265_330;
const body = '{"test": 2432232314}';
const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const other = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';

const headers = (changed = {}) => ({
  'Webhook-Id': id,
  'Webhook-Timestamp': String(sent),
  'Webhook-Signature': signature,
  ...changed,
});
const at = (seconds, secrets = [secret]) => ({ secrets, now: () => seconds * 1000 });

test('webhooks are signed as others sign them', async () => {
  assert.equal(await signWebhook(secret, id, sent, body), signature);
  assert.equal(await signWebhook(secret, id, sent, new TextEncoder().encode(body)), signature);
  await assert.rejects(signWebhook('whsec_c2hvcnQ=', id, sent, body), TypeError);
});

test('a body, its time and any known secret are verified', async () => {
  await verifyWebhook(at(sent + 300), { headers: headers(), body });
  await verifyWebhook(at(sent, [other, secret]), { headers: new Headers(headers()), body });
  const several = `v1a,xyz v1,? v1,bm90aGluZw== ${signature}`;
  const listed = headers({ 'Webhook-Signature': [several] });
  await verifyWebhook(at(sent), { headers: listed, body: new TextEncoder().encode(body) });

  const refused = (verification, changed, otherBody = body) =>
    assert.rejects(
      verifyWebhook(verification, { headers: headers(changed), body: otherBody }),
      SignatureError,
    );
  await refused(at(sent), {}, '{}');
  await refused(at(sent), { 'Webhook-Timestamp': String(sent + 1) });
  await refused(at(sent), { 'Webhook-Timestamp': 'soon' });
  await refused(at(sent), { 'Webhook-Signature': undefined });
  await refused(at(sent + 301));
  await refused(at(sent - 301));
  await refused(at(sent, [other]));
});
