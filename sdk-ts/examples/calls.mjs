// Submits a service call, waits for its result, lists calls and meets a documented problem.
//
// npm run --silent example -- http://127.0.0.1:8080 TOKEN

import { Calls } from '@symbolon/sdk/calls';
import { bearer, isProblem } from '@symbolon/sdk/runtime';

const [baseUrl, token] = process.argv.slice(2);
if (baseUrl === undefined || token === undefined) {
  console.error('usage: npm run --silent example -- URL TOKEN');
  process.exit(2);
}
const calls = new Calls({ baseUrl, auth: bearer(token) });

const accepted = await calls.serviceCalls.submitServiceCall({
  body: { name: 'hello', request: { method: 'GET', url: `${baseUrl}/version` }, tags: ['example'] },
});
const { serviceCallId } = accepted.body;
console.log('accepted', serviceCallId);

let found;
let ifNoneMatch; // who says which version it has is sent only another
do {
  await new Promise((wake) => setTimeout(wake, 50));
  const answer = await calls.serviceCalls.getServiceCall({ serviceCallId, ifNoneMatch });
  found = answer.body ?? found;
  ifNoneMatch = answer.eTag;
} while (!['Succeeded', 'Failed', 'Cancelled', 'Skipped'].includes(found.status));
console.log('finished', found.status, found.result);

for await (const call of calls.serviceCalls.listServiceCalls({ status: 'Succeeded' })) {
  console.log('listed  ', call.serviceCallId, call.name);
}

try {
  await calls.serviceCalls.cancelServiceCall({ serviceCallId });
  throw new Error('a finished call was cancelled');
} catch (error) {
  if (!isProblem(error, 'not-cancellable')) throw error;
  console.log('refused ', error.problem.code, error.problem.detail);
}
