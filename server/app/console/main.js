// The console: who is signed in sees the tenant's calls as they run.

import { Api } from './api.js';
import { Calls } from './calls.js';
import { Detail } from './detail.js';
import { say } from './elements.js';
import { lifecycleOf } from './lifecycle.js';
import { Operations } from './operations.js';
import * as session from './session.js';
import { follow } from './stream.js';

const LOOK_BACK_MS = 60 * 60 * 1000;
const AT_FIRST = 200;

const at = (id) => document.getElementById(id);

async function start() {
  const known = await session.settings();
  let message = '';
  try {
    if (known.issuer) await session.comeBack(known);
  } catch (error) {
    message = error.message;
  }
  const token = session.token();
  if (token) await board(token, known);
  else gate(known, message);
}

/** Asks for a token. */
function gate(known, message) {
  at('gate').hidden = false;
  at('board').hidden = true;
  at('gate-message').textContent = message;
  at('sign-in').hidden = !known.issuer;
  at('sign-in').onclick = () =>
    session.signIn(known).catch((error) => {
      at('gate-message').textContent = error.message;
    });
  at('token-form').onsubmit = (event) => {
    event.preventDefault();
    session.keep(new FormData(event.target).get('token').trim());
    location.reload();
  };
}

async function board(token, known) {
  const api = new Api(token);
  const contract = await (await fetch('openapi.json')).json();
  const calls = new Calls(
    { rows: at('rows'), counts: at('counts'), empty: at('no-calls') },
    (id) => choose(id),
  );
  const places = { lifecycle: at('lifecycle'), detail: at('detail') };
  const detail = new Detail(api, lifecycleOf(contract), places);
  const choose = (id) => {
    calls.choose(id);
    detail.show(id).catch((error) => places.detail.replaceChildren(error.message));
    // Where they stand below each other its life is out of sight.
    const section = at('call');
    const isBelow = section.getBoundingClientRect().top > window.innerHeight * 0.7;
    if (isBelow) section.scrollIntoView({ block: 'start' });
  };
  const load = async () => {
    calls.load(await api.calls(new Date(Date.now() - LOOK_BACK_MS), AT_FIRST));
  };
  try {
    await load();
  } catch (error) {
    if (error.status !== 401 && error.status !== 403) throw error;
    session.forget();
    gate(known, error.message);
    return;
  }
  at('board').hidden = false;
  at('who').textContent = session.described(token);
  at('sign-out').hidden = false;
  at('sign-out').onclick = () => {
    session.forget();
    location.reload();
  };
  at('submit').onsubmit = (event) => submit(event, api, choose);
  const operations = new Operations(api, {
    gauges: at('gauges'),
    readers: at('readers'),
    letters: at('letters'),
    many: at('many-letters'),
    message: at('letters-message'),
    none: at('no-operations'),
  });
  operations.watch();
  await watch(api, { calls, detail, operations }, load);
}

/** Follows the events for as long as the tab is open. */
async function watch(api, { calls, detail, operations }, load) {
  const link = at('link');
  const words = { open: 'live', lost: 'reconnecting' };
  const changed = (state, isAgain) => {
    link.dataset.state = state;
    link.textContent = words[state];
    if (isAgain) load().catch(() => changed('lost'));
  };
  const event = (envelope) => {
    calls.apply(envelope);
    operations.stir();
    detail.refresh(envelope.aggregateId).catch(() => {});
  };
  try {
    await follow(api, { event, changed });
  } catch (error) {
    link.dataset.state = 'closed';
    link.textContent = error.message;
  }
}

async function submit(event, api, choose) {
  event.preventDefault();
  const form = event.target;
  const line = at('submit-message');
  const { method, url, delay } = Object.fromEntries(new FormData(form));
  const seconds = Number(delay);
  const dueAt = seconds > 0 ? new Date(Date.now() + 1000 * seconds).toISOString() : undefined;
  try {
    const { host, pathname } = new URL(url);
    const name = `${method} ${host}${pathname}`.slice(0, 120);
    const { serviceCallId } = await api.submit({ name, request: { method, url }, dueAt });
    say(line, 'Accepted.');
    choose(serviceCallId);
  } catch (error) {
    say(line, error.message, true);
  }
}

start().catch((error) => {
  at('link').textContent = error.message;
});
