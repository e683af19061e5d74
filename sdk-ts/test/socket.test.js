import assert from 'node:assert/strict';
import test from 'node:test';
import { apiKey, bearer, connect, Core, isProblem } from '../dist/runtime/index.js';
import { accept, PLATFORMS } from './sockets.js';

const LIVE = {
  id: 'live',
  path: '/rooms/{room}/live',
  parameters: [
    { in: 'path', name: 'room', key: 'room' },
    { in: 'query', name: 'after', key: 'after' },
  ],
};
const ROOM = { room: 'a/b' };
const QUICK = { initialDelayMs: 1, longestDelayMs: 5 };
const say = (socket, ...numbers) => numbers.forEach((n) => socket.send(JSON.stringify({ n })));
const resume = (request, last) => ({ ...request, after: last.n });

async function all(messages) {
  const found = [];
  for await (const message of messages) found.push(message.n);
  return found;
}

for (const webSocket of PLATFORMS) {
  const name = webSocket === globalThis.WebSocket ? 'of the platform' : 'of npm ws';

  /** A client, and a way to open its channel. */
  const client = (server, settings = {}) => {
    const core = new Core({ baseUrl: server.baseUrl, webSocket, retry: QUICK, ...settings });
    return (options, channel = LIVE) => connect(core, channel, ROOM, options);
  };

  test(`messages go both ways, and the server ends it (${name})`, async (context) => {
    const server = await accept(context, (socket) => {
      socket.on('message', (data) => {
        const { n } = JSON.parse(data);
        if (n < 3) return say(socket, n * 10);
        socket.close(1000);
      });
    });
    const socket = client(server)();
    await Promise.all([socket.send({ n: 1 }), socket.send({ n: 2 }), socket.send({ n: 3 })]);
    assert.deepEqual(await all(socket), [10, 20]);
    assert.deepEqual(server.asked.map(({ url }) => url), ['/rooms/a%2Fb/live']);
    await assert.rejects(socket.send({ n: 4 }), { name: 'CloseError', code: 1000 });
  });

  test(`whoever stops iterating closes it (${name})`, async (context) => {
    let left;
    const gone = new Promise((resolve) => (left = resolve));
    const server = await accept(context, (socket) => {
      socket.on('close', left);
      say(socket, 1, 2);
    });
    for await (const { n } of client(server)()) {
      assert.equal(n, 1);
      break;
    }
    assert.equal(await gone, 1000);
  });

  test(`credentials travel as subprotocols and are asked for again (${name})`, async (context) => {
    const cut = (socket, turn) => {
      say(socket, turn);
      socket.close(turn < 3 ? 3000 : 1000, 'token expired');
    };
    const server = await accept(context, cut);
    let tokens = 0;
    const open = client(server, { auth: bearer(() => `token-${(tokens += 1)}`) });
    assert.deepEqual(await all(open({ resume })), [1, 2, 3]);
    assert.deepEqual(server.asked.map(({ protocols, url }) => [...protocols, url]), [
      ['symbolon', 'symbolon.bearer.dG9rZW4tMQ', '/rooms/a%2Fb/live'],
      ['symbolon', 'symbolon.bearer.dG9rZW4tMg', '/rooms/a%2Fb/live?after=1'],
      ['symbolon', 'symbolon.bearer.dG9rZW4tMw', '/rooms/a%2Fb/live?after=2'],
    ]);
  });

  test(`who gives tokens may be away for a while (${name})`, async (context) => {
    const server = await accept(context, (socket, turn) => {
      say(socket, turn);
      socket.close(turn < 2 ? 1012 : 1000);
    });
    let asked = 0;
    const token = () => {
      asked += 1;
      if (asked === 2 || asked === 3) throw new Error('away');
      return 'token';
    };
    assert.deepEqual(await all(client(server, { auth: bearer(token) })({ resume })), [1, 2]);
    assert.equal(asked, 4);
    // For the first connection there is none to go by.
    const absent = bearer(() => Promise.reject(new Error('away')));
    const socket = client(server, { auth: absent })({ resume });
    await assert.rejects(all(socket), { name: 'EncodeError' });
  });

  test(`a token that stays expired is not sent for ever (${name})`, async (context) => {
    const server = await accept(context, (socket) => socket.close(3000));
    const socket = client(server, { auth: bearer('old') })({ resume });
    await assert.rejects(all(socket), { name: 'CloseError', code: 3000 });
    assert.equal(server.asked.length, 1);
  });

  test(`the subprotocols of the contract are offered before a token (${name})`, async (context) => {
    const server = await accept(context, (socket) => socket.close(1000));
    const channel = { ...LIVE, protocols: ['v2', 'v1'] };
    await all(client(server)({}, channel));
    await all(client(server, { auth: bearer('\u00ff?>') })({}, channel));
    const offered = server.asked.map(({ protocols }) => protocols);
    assert.deepEqual(offered, [['v2', 'v1'], ['v2', 'v1', 'symbolon.bearer.w78_Pg']]);
  });

  test(`what the server says of a message is a problem (${name})`, async (context) => {
    const problem = { type: 'urn:problem:invalid-message', code: 'invalid-message', status: 400 };
    const errors = [{ in: 'message', pointer: '/n', code: 'type', detail: 'must be a number' }];
    const server = await accept(context, (socket) => {
      socket.on('message', () => {
        say(socket, 1);
        socket.send(JSON.stringify({ ...problem, errors }));
        socket.close(1007);
      });
    });
    const socket = client(server)({ resume });
    await socket.send({ n: 'one' });
    const seen = [];
    const run = async () => {
      for await (const { n } of socket) seen.push(n);
    };
    await assert.rejects(run(), (error) => {
      return isProblem(error, 'invalid-message') && error.problem.errors[0].pointer === '/n';
    });
    assert.deepEqual(seen, [1]);
  });

  test(`credentials that no socket carries are not sent (${name})`, async (context) => {
    const server = await accept(context, (socket) => socket.close(1000));
    const socket = client(server, { auth: apiKey('X-Key', 'secret') })();
    const refused = (error) => error.name === 'EncodeError' && !error.message.includes('secret');
    await assert.rejects(all(socket), refused);
    assert.equal(server.asked.length, 0);
    await all(client(server, { auth: apiKey('key', 'a b', 'query') })());
    assert.equal(server.asked[0].url, '/rooms/a%2Fb/live?key=a%20b');
  });

  test(`a channel comes back behind its last message (${name})`, async (context) => {
    const server = await accept(
      context,
      (socket) => {
        say(socket, 1, 2);
        socket.close(1012);
      },
      503,
      (socket) => {
        say(socket, 3);
        socket.close(1013);
      },
      (socket) => socket.close(1000),
    );
    assert.deepEqual(await all(client(server)({ resume })), [1, 2, 3]);
    const after = server.asked.map(({ url }) => url.split('?')[1]);
    assert.deepEqual(after, [undefined, 'after=2', 'after=2', 'after=3']);
  });

  test(`every connection begins with the greeting (${name})`, async (context) => {
    const server = await accept(context, (socket, turn) => {
      const heard = [];
      socket.on('message', (data) => {
        heard.push(JSON.parse(data).n);
        if (heard.length + turn < 3) return;
        say(socket, ...heard);
        socket.close(turn === 1 ? 1001 : 1000);
      });
    });
    let told = 0;
    const greeting = () => [{ n: (told += 1) }];
    const socket = client(server)({ greeting, resume });
    await socket.send({ n: 7 });
    assert.deepEqual(await all(socket), [1, 7, 2]);
    const unwritable = client(server)({ greeting: () => [1n], resume });
    await assert.rejects(all(unwritable), { name: 'EncodeError' });
  });

  test(`a channel comes back to a server that was restarted (${name})`, async (context) => {
    const server = await accept(
      context,
      (socket) => say(socket, 1),
      (socket) => {
        say(socket, 2);
        socket.on('message', (data) => {
          say(socket, JSON.parse(data).n);
          socket.close(1000);
        });
      },
    );
    const socket = client(server)({ resume });
    const seen = [];
    for await (const { n } of socket) {
      seen.push(n);
      if (n === 1) {
        server.stop();
        await server.again();
      }
      if (n === 2) await socket.send({ n: 3 });
    }
    assert.deepEqual(seen, [1, 2, 3]);
  });

  test(`what cannot be resumed ends with the server's code (${name})`, async (context) => {
    for (const code of [1013, 1001, 4403, 1009]) {
      const server = await accept(context, (socket) => {
        say(socket, 1);
        socket.close(code, 'why');
      });
      const seen = [];
      const socket = client(server)();
      const run = async () => {
        for await (const { n } of socket) seen.push(n);
      };
      await assert.rejects(run(), (error) => {
        assert.deepEqual([error.name, error.code, error.reason], ['CloseError', code, 'why']);
        return !error.message.includes('why');
      });
      assert.deepEqual(seen, [1]);
    }
  });

  test(`refusals of the server are not asked again for ever (${name})`, async (context) => {
    for (const code of [4403, 1008, 1002]) {
      const server = await accept(context, (socket) => socket.close(code));
      await assert.rejects(all(client(server)({ resume })), { name: 'CloseError', code });
      assert.equal(server.asked.length, 1);
    }
    const server = await accept(context, 401);
    await assert.rejects(all(client(server)({ resume })), { name: 'RefusedError' });
    assert.equal(server.asked.length, 3);
    const once = await accept(context, 401);
    await assert.rejects(all(client(once)({ retry: { attempts: 1 } })), { name: 'RefusedError' });
    assert.equal(once.asked.length, 1);
  });

  test(`a handshake without an answer has its time (${name})`, async (context) => {
    const server = await accept(context, undefined);
    let made = 0;
    class Counted extends webSocket {
      constructor(...given) {
        super(...given);
        made += 1;
      }
    }
    const open = client(server, { webSocket: Counted });
    const socket = open({ connectTimeoutMs: 20, retry: { attempts: 2 } });
    await assert.rejects(all(socket), { name: 'TimeoutError' });
    assert.equal(made, 2);
    await assert.rejects(socket.send({}), { name: 'TimeoutError' });
  });

  test(`a signal ends it, open or not (${name})`, async (context) => {
    const server = await accept(context, (socket) => say(socket, 1), undefined);
    const open = client(server);
    for (const turn of [1, 2]) {
      const abort = new AbortController();
      const socket = open({ signal: abort.signal });
      if (turn === 1) {
        const { value } = await socket[Symbol.asyncIterator]().next();
        assert.deepEqual(value, { n: 1 });
      }
      const sent = turn === 2 ? socket.send({}) : undefined;
      abort.abort(new Error('enough'));
      await assert.rejects(all(socket), /enough/);
      if (sent) await assert.rejects(sent, /enough/);
    }
    const signal = AbortSignal.abort(9);
    await assert.rejects(all(open({ signal })), (reason) => reason === 9);
  });

  test(`messages nobody takes end it, or it goes on behind them (${name})`, async (context) => {
    let left;
    const gone = new Promise((resolve) => (left = resolve));
    const server = await accept(context, (socket, turn) => {
      socket.on('close', left);
      const from = turn === 1 ? 1 : Number(server.asked.at(-1).url.split('after=')[1] ?? 0) + 1;
      for (let n = from; n <= 10; n += 1) say(socket, n);
      if (from > 10) socket.close(1000);
    });
    const lossy = client(server)({ receiveLimit: 4 });
    const seen = [];
    assert.equal(await gone, 4000);
    await assert.rejects(
      async () => {
        for await (const { n } of lossy) seen.push(n);
      },
      { name: 'OverflowError' },
    );
    assert.deepEqual(seen, [1, 2, 3, 4]);
    server.asked.length = 0;
    const whole = client(server)({ receiveLimit: 4, resume });
    const found = [];
    for await (const { n } of whole) {
      found.push(n);
      if (n === 10) break;
    }
    assert.deepEqual(found, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test(`messages that wait to be sent have a limit (${name})`, async (context) => {
    const server = await accept(context, undefined);
    const socket = client(server)({ sendLimit: 2 });
    const waiting = [socket.send({ n: 1 }), socket.send({ n: 2 })];
    await assert.rejects(socket.send({ n: 3 }), { name: 'OverflowError' });
    socket.close();
    for (const sent of waiting) await assert.rejects(sent, { name: 'CloseError', code: 1000 });
  });

  test(`frames are read as their kind says (${name})`, async (context) => {
    const server = await accept(context, (socket) => {
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
    const open = client(server);
    const raw = open({}, { ...LIVE, sends: ['text', 'bytes'], receives: ['text', 'bytes'] });
    await raw.send('{"n"');
    await raw.send(new Uint8Array([1, 255]));
    const messages = raw[Symbol.asyncIterator]();
    assert.equal((await messages.next()).value, '{"n"');
    assert.deepEqual((await messages.next()).value, new Uint8Array([1, 255]));
    await messages.return();
    const broken = open({}, { ...LIVE, sends: ['text'] });
    await broken.send('{"n"');
    await assert.rejects(all(broken), { name: 'DecodeError', message: 'a message is not JSON' });
    const undocumented = open({}, { ...LIVE, sends: ['bytes'] });
    await undocumented.send(new Uint8Array([1]));
    await assert.rejects(all(undocumented), /documents no such message/);
    const long = open({ messageLimit: 8 }, LIVE);
    await long.send('12345678');
    await assert.rejects(all(long), /too long/);
    await assert.rejects(open({}).send(undefined), { name: 'EncodeError' });
    await assert.rejects(open({}).send(1n), { name: 'EncodeError' });
  });

  test(`a close code is the caller's to choose (${name})`, async (context) => {
    let left;
    const gone = new Promise((resolve) => (left = resolve));
    const server = await accept(context, (socket) => {
      socket.on('close', (code, reason) => left([code, String(reason)]));
      say(socket, 1);
    });
    const socket = client(server)();
    await socket.send({ n: 0 });
    assert.throws(() => socket.close(1001), { name: 'EncodeError' });
    socket.close(4000, 'bye');
    assert.deepEqual(await gone, [4000, 'bye']);
    // What had come before is still there, or nothing had.
    for await (const { n } of socket) assert.equal(n, 1);
  });
}

test('a platform without WebSocket says what to do', async () => {
  const given = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  delete globalThis.WebSocket;
  try {
    const socket = connect(new Core({ baseUrl: 'http://127.0.0.1:1' }), LIVE, ROOM);
    await assert.rejects(all(socket), /Node\.js 22 or newer, or give the client the option `webSo/);
  } finally {
    if (given) Object.defineProperty(globalThis, 'WebSocket', given);
  }
});
