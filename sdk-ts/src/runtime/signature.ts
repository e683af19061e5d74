import type { Received } from './webhook.js';

/** How a receiver knows who sent a webhook (Standard Webhooks 1.0, symmetric). */
export interface Verification {
  /** The secrets of the sender, `whsec_…`: several while one takes the place of another. */
  readonly secrets: readonly string[];
  /** How long ago it may have been sent, and how early: five minutes if left out. */
  readonly toleranceMs?: number;
  /** Tells the time, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** A webhook of which nobody who has the secret is known to have sent it now. */
export class SignatureError extends Error {
  override readonly name = 'SignatureError';
}

const TOLERANCE_MS = 5 * 60_000;

/** The header `webhook-signature` of a message that is sent at a time, in seconds since 1970. */
export async function signWebhook(
  secret: string,
  id: string,
  timestamp: number,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<string> {
  const text = signed(id, timestamp, body);
  const signature = await crypto.subtle.sign('HMAC', await key(secret), text);
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(signature)))}`;
}

/**
 * Verifies who sent a webhook, and that it was now; `receive` then says what it brings. That it
 * comes once is the receiver's to see, by its `webhook-id`.
 *
 * @throws {SignatureError} where it is not to be trusted
 */
export async function verifyWebhook(
  verification: Verification,
  { headers, body }: Pick<Received, 'headers' | 'body'>,
): Promise<void> {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(
    (name) => header(headers, name),
  ) as [string, string, string];
  if (!/^\d{1,15}$/.test(timestamp)) {
    throw new SignatureError('`webhook-timestamp` is no number of seconds');
  }
  const { toleranceMs = TOLERANCE_MS, now = Date.now } = verification;
  if (Math.abs(now() - Number(timestamp) * 1000) > toleranceMs) {
    throw new SignatureError('it was sent too long ago, or is still to be sent');
  }
  const text = signed(id, timestamp, body);
  const given = signatures.split(' ').flatMap((found) => bytes(/^v1,(.*)$/.exec(found)?.[1]));
  for (const secret of verification.secrets) {
    const verifying = await key(secret);
    for (const signature of given) {
      // It takes as long whatever the signature is.
      if (await crypto.subtle.verify('HMAC', verifying, signature, text)) return;
    }
  }
  throw new SignatureError('no signature is that of a known secret');
}

function header(headers: Received['headers'], name: string): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1];
  const text = typeof found === 'object' && found !== null ? found[0] : found;
  if (text === undefined || text === null) throw new SignatureError(`\`${name}\` is missing`);
  return text;
}

function signed(
  id: string,
  timestamp: number | string,
  body: string | Uint8Array,
): Uint8Array<ArrayBuffer> {
  const head = new TextEncoder().encode(`${id}.${timestamp}.`);
  const content = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const whole = new Uint8Array(head.length + content.length);
  whole.set(head);
  whole.set(content, head.length);
  return whole;
}

async function key(secret: string): Promise<CryptoKey> {
  const [raw] = bytes(/^whsec_(.*)$/.exec(secret)?.[1]);
  if (raw === undefined || raw.length < 24 || raw.length > 64) {
    throw new TypeError('a secret of webhooks is `whsec_` and 24 to 64 bytes in Base64');
  }
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', raw, algorithm, false, ['sign', 'verify']);
}

/** The bytes behind Base64; none of what is no such text. */
function bytes(text: string | undefined): Uint8Array<ArrayBuffer>[] {
  try {
    if (text === undefined) return [];
    return [Uint8Array.from(atob(text), (character) => character.charCodeAt(0))];
  } catch {
    return [];
  }
}
