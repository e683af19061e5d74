// Watches service calls as they go on, over a WebSocket that comes back when it is cut off.
//
// npm run --silent live -- http://127.0.0.1:8080 TOKEN

import { Calls } from '@symbolon/sdk/calls';
import { bearer } from '@symbolon/sdk/runtime';
import { WebSocket } from 'ws';

const [baseUrl, token] = process.argv.slice(2);
if (baseUrl === undefined || token === undefined) {
  console.error('usage: npm run --silent live -- URL TOKEN');
  process.exit(2);
}
// Browsers have a WebSocket, and so has Node.js from 22 on.
const webSocket = globalThis.WebSocket ?? WebSocket;
const calls = new Calls({ baseUrl, auth: bearer(token), webSocket });

const live = calls.serviceCalls.liveServiceCalls({}, {
  // The server forgets what is watched with the connection, and is told again with the next.
  greeting: () => [{ type: 'Watch' }],
  resume: (request, last) => ({ ...request, after: last.messageId ?? last.after ?? request.after }),
});
let serviceCallId;
for await (const message of live) {
  if (message.type === 'Watching') {
    const body = { name: 'live', request: { method: 'GET', url: `${baseUrl}/version` } };
    ({ serviceCallId } = (await calls.serviceCalls.submitServiceCall({ body })).body);
    console.log('watching', serviceCallId);
  } else if (message.aggregateId === serviceCallId) {
    console.log('event   ', message.type);
    if (['ServiceCallSucceeded', 'ServiceCallFailed'].includes(message.type)) break;
  }
}
