// The console in Chromium: signs in, submits, sees a call run and end, cancels, survives a server
// that is away, and asks nothing of anybody but the server.
// Usage: node console.mjs URL-OF-THE-SERVER CHROMIUM FOLDER-FOR-PICTURES

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, createServer as createProxy } from 'node:net';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [server, executablePath, pictures] = process.argv.slice(2);
const TIMEOUT_MS = 20_000;

await mkdir(pictures, { recursive: true });
// A target that answers when it is told to, so that a call can be seen running.
let release;
const held = new Promise((done) => (release = done));
const target = createServer(async (request, response) => {
  if (request.url === '/held') await held;
  if (request.url.startsWith('/broken')) response.statusCode = 500;
  response.end('done');
});
await new Promise((done) => target.listen(0, '127.0.0.1', done));
const base = `http://127.0.0.1:${target.address().port}`;

// Without its sandbox, which root has not and which some systems forbid.
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
page.setDefaultTimeout(TIMEOUT_MS);
const complaints = [];
page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
page.on('pageerror', (error) => complaints.push(error.message));
const asked = new Set();
page.on('request', (request) => asked.add(new URL(request.url()).origin));

/** Takes a picture, for whoever would rather look. */
const picture = (name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
const row = (text) => page.locator('#rows tr', { hasText: text }).first();
const shows = (locator, text) => locator.filter({ hasText: text }).waitFor();

/** Submits a call by the form and returns its row. */
async function submit(path, delay = '0') {
  await page.fill('#submit [name=url]', `${base}${path}`);
  await page.fill('#submit [name=delay]', delay);
  await page.click('#submit button');
  await shows(page.locator('#submit-message'), 'Accepted.');
  return row(path);
}

/** Submits a call as another client of the same person would. */
async function submitElsewhere(name, { url = base, ...more } = {}) {
  const answer = await fetch(`${server}/v1/service-calls`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': crypto.randomUUID(),
    },
    body: JSON.stringify({ name, request: { method: 'GET', url }, ...more }),
  });
  assert.equal(answer.status, 202);
}

/** Pastes a token. */
async function use(page, token) {
  await page.fill('#token', token);
  await page.click('#token-form button');
}

// A person signs in at the development issuer.
await page.goto(server);
await picture('signed-out');
await page.click('#sign-in');
// Of a tenant that nobody else has, so that the server need not be new.
await page.fill('#tenant', `console-${crypto.randomUUID()}`);
await page.click('button[value=allow]');
await page.waitForSelector('#board:not([hidden])');
assert.equal(new URL(page.url()).search, '', 'the address forgets the code');
await shows(page.locator('#who'), 'console');
await shows(page.locator('#link'), 'live');

// A call is seen waiting for its target, and then over, without a reload.
const running = await submit('/held');
await shows(running, 'Running');
const lit = page.locator('#lifecycle .state.current');
await shows(lit, 'Running');
await picture('running');
release();
await shows(running, 'Succeeded');
await shows(lit, 'Succeeded');
await shows(page.locator('#detail .events'), 'ServiceCallSucceeded');
assert.equal(await page.locator('#lifecycle .move.passed').count(), 2);

// One that fails, and one that is cancelled before it is due.
await shows(await submit('/broken'), 'Failed');
const later = await submit('/later', '3600');
await shows(later, 'Scheduled');
await shows(lit, 'Scheduled');
await page.click('#detail button:has-text("Cancel")');
await shows(later, 'Cancelled');
await shows(lit, 'Cancelled');
await page.click('[data-count=Failed]');
await page.locator('#rows tr').nth(1).waitFor({ state: 'detached' });
assert.match(await page.locator('#rows').textContent(), /broken/u);
await page.click('[data-count=Failed]');

// Who looks on later sees where calls went and what came of them, and no query.
const token = await page.evaluate(() => sessionStorage.getItem('symbolon.session'));
const { href: long } = new URL(`/broken/${'segment-'.repeat(40)}?token=hidden`, base);
await submitElsewhere('A long way', { url: long });
await shows(row('A long way'), 'Failed');
const telephone = await browser.newPage({ viewport: { width: 390, height: 844 } });
telephone.setDefaultTimeout(TIMEOUT_MS);
telephone.on('pageerror', (error) => complaints.push(error.message));
await telephone.goto(server);
await use(telephone, token);
const first = telephone.locator('#rows tr', { hasText: 'A long way' });
await shows(first, '500, ');
await shows(first, `GET ${base}/broken/`);
assert.ok(!(await telephone.textContent('#rows')).includes('hidden'), 'lists show no query');
const wide = () => telephone.evaluate(() => document.documentElement.scrollWidth - innerWidth);
assert.equal(await wide(), 0, 'nothing sticks out of a telephone');
await telephone.screenshot({ path: join(pictures, 'telephone.png') });

// By keyboard alone: its life is opened, comes into sight, and keys stay where they were.
await first.locator('button').focus();
await telephone.keyboard.press('Enter');
await shows(telephone.locator('#detail'), '?token=hidden');
assert.equal(await telephone.locator('#rows tr[aria-current=true]').count(), 1);
await telephone.waitForFunction(() => {
  const { top } = document.getElementById('call').getBoundingClientRect();
  return top >= -1 && top < innerHeight / 2;
});
await submitElsewhere('While somebody is at the list');
await shows(telephone.locator('#rows tr', { hasText: 'somebody is at' }), 'Succeeded');
assert.match(await telephone.evaluate(() => document.activeElement.textContent), /A long way/u);
assert.equal(await wide(), 0, 'nor does the life of a call');
await telephone.emulateMedia({ colorScheme: 'dark' });
await telephone.screenshot({ path: join(pictures, 'telephone-dark.png') });

// Where nobody looks on no numbers are asked for, and at once when somebody does again.
const looks = [];
telephone.on('request', (request) => {
  if (request.url().includes('/v1/admin/')) looks.push(request.url());
});
await telephone.waitForRequest((request) => request.url().endsWith('/v1/admin/outbox'));
const turn = (hidden) =>
  telephone.evaluate((hidden) => {
    Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
await turn(true);
const before = looks.length;
await submitElsewhere('While nobody looks');
await shows(telephone.locator('#rows tr', { hasText: 'nobody looks' }), 'Succeeded');
assert.equal(looks.length, before);
await Promise.all([
  telephone.waitForRequest((request) => request.url().endsWith('/v1/admin/outbox')),
  turn(false),
]);
await telephone.close();

// What a caller gave is a text, whatever it holds.
await submitElsewhere('<img src=x onerror="document.title=\'broken\'">');
await row('onerror').waitFor();
assert.equal(await page.title(), 'Symbolon console');

// One that is too late, and is not sent.
const [dueAt, policy] = ['2026-01-31T09:00:00Z', { misfire: 'skip' }];
await submitElsewhere('too late', { dueAt, policy });
const late = await row('too late');
await shows(late, 'Skipped');
await late.click();
await shows(lit, 'Skipped');
await shows(page.locator('#detail .events'), 'ServiceCallSkipped');
await picture('skipped');

// A mistake is told.
await page.fill('#submit [name=url]', 'http://169.254.169.254/latest/meta-data');
await page.click('#submit button');
await page.waitForSelector('#submit-message[data-kind=bad]');

// Operations: numbers, and a dead letter that is replayed by a click.
await page.waitForSelector('[data-gauge=outbox]');
const drill = await fetch(`${server}/v1/admin/dlq/drills`, {
  method: 'POST',
  headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  body: JSON.stringify({ reader: 'Consumer' }),
});
assert.equal(drill.status, 201);
const { deadLetterId } = await drill.json();
const letter = page.locator(`[data-letter="${deadLetterId}"]`);
await letter.waitFor();
await picture('dead-letter');
await letter.locator('button:has-text("Replay")').click();
await letter.waitFor({ state: 'detached' });

// An operator of a tenant sees its letters, and nothing of what all tenants share.
async function without(...scopes) {
  await page.click('#sign-out');
  await page.waitForSelector('#gate:not([hidden])');
  await page.click('#sign-in');
  for (const scope of scopes) await page.uncheck(`input[value="${scope}"]`);
  await page.click('button[value=allow]');
  for (const scope of scopes) await shows(page.locator('#no-operations'), scope);
}
await without('calls:platform');
await page.waitForSelector('#letters li');
assert.equal(await page.locator('[data-gauge]').count(), 0);
// A reader without either scope sees the rest.
await without('calls:platform', 'calls:ops');
assert.equal(await page.locator('#letters li').count(), 0);

// A token that is none leads back to the gate.
await page.click('#sign-out');
await use(page, 'none');
await page.waitForSelector('#gate:not([hidden])');
assert.notEqual(await page.textContent('#gate-message'), '');
assert.deepEqual([...asked], [new URL(server).origin], 'nothing comes from elsewhere');
const expected = /Failed to load resource/u;
assert.deepEqual(complaints.filter((text) => !expected.test(text)), []);

// Behind a proxy that breaks: what happened meanwhile is there afterwards.
const away = await browser.newPage();
away.setDefaultTimeout(TIMEOUT_MS);
const connections = new Set();
let isBroken = false;
const proxy = createProxy((inward) => {
  const outward = connect(Number(new URL(server).port), '127.0.0.1');
  for (const [socket, other] of [[inward, outward], [outward, inward]]) {
    connections.add(socket);
    socket.on('error', () => other.destroy());
    socket.on('close', () => (connections.delete(socket), other.destroy()));
    socket.pipe(other);
  }
  if (isBroken) inward.destroy();
});
await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
await away.goto(`http://127.0.0.1:${proxy.address().port}`);
await use(away, token);
await shows(away.locator('#link'), 'live');
isBroken = true;
for (const socket of connections) socket.destroy();
await shows(away.locator('#link'), 'reconnecting');
await submitElsewhere('While it was away');
isBroken = false;
await shows(away.locator('#link'), 'live');
await shows(away.locator('#rows tr', { hasText: 'While it was away' }), 'Succeeded');
await away.screenshot({ path: join(pictures, 'back.png') });

await browser.close();
target.close();
proxy.close();
