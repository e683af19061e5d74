// Newman sends the contract's examples as another tool spells them, and judges the answers:
//   CREDENTIALS='{"default":"…","read-only":"…"}' node newman.mjs OPENAPI URL FOLDER
// An example of every name becomes an operation of its own, of which openapi-to-postmanv2 makes a
// request; what an example takes from a workflow is what respect.mjs left in the folder. Examples
// that no valid request gets (a truncated body, one that is too large) are our own judge's alone.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import newman from 'newman';
import { convertV2 } from 'openapi-to-postmanv2';

const [file, url, folder] = process.argv.slice(2);
const credentials = JSON.parse(process.env.CREDENTIALS);
const EXAMPLE_SERVER = 'http://127.0.0.1:8080';
const METHODS = ['get', 'put', 'post', 'delete', 'patch'];
const JSON_TYPE = 'application/json';
/** A request whose answer cannot be what it must be, so that it is known that a test can fail. */
const SELF_TEST = 'self-test';

const contract = JSON.parse(await readFile(file, 'utf8'));

function at(value, pointer) {
  const tokens = pointer.split('/').slice(1);
  const names = tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return names.reduce((place, name) => place?.[name], value);
}

/** What a reference leads to. */
function resolved(value) {
  return value?.$ref ? resolved(at(contract, value.$ref.slice(1))) : value;
}

/** The outputs of the workflows that Respect has run, by `<workflowId>.outputs.<name>`. */
async function outputsOf(name) {
  const read = async (ending) =>
    JSON.parse(await readFile(join(folder, `${name}.${ending}`), 'utf8'));
  const [{ workflows }, { files }] = [await read('arazzo.yaml'), await read('json')];
  const executed = Object.values(files)[0].executedWorkflows.flatMap((each) => each.executedSteps);
  const value = (expression, workflow) => {
    const [, kind, rest] = /^\$(inputs|steps|response|request)\.(.*)$/.exec(expression) ?? [];
    if (kind === 'inputs') return workflow.inputs.properties[rest].default;
    const [, stepId, output] = /^(.*)\.outputs\.(.*)$/.exec(rest);
    const { outputs } = workflow.steps.find((step) => step.stepId === stepId);
    const last = executed.findLast((step) => step.stepId === stepId);
    const [, header] = /^\$response\.header\.(.*)$/.exec(outputs[output]) ?? [];
    if (header) return last.response.headers[header.toLowerCase()];
    const [, side, pointer = ''] = /^\$(request|response)\.body(?:#(.*))?$/.exec(outputs[output]);
    return at(last[side].body, pointer);
  };
  return workflows.flatMap((workflow) =>
    Object.entries(workflow.outputs ?? {}).map(([output, expression]) => [
      `${workflow.workflowId}.outputs.${output}`,
      value(expression, workflow),
    ]),
  );
}

const outputs = new Map((await Promise.all(['timed', 'others'].map(outputsOf))).flat());

/** What an example says, with fresh values, and with an output in its place if it takes one. */
function valueOf(example) {
  const from = example['x-from']?.replace('$workflows.', '');
  if (from !== undefined && !outputs.has(from)) throw new Error(`no workflow has left ${from}`);
  const value = from === undefined ? example.value : outputs.get(from);
  const fresh = JSON.stringify(value).replaceAll('{$uuid}', () => crypto.randomUUID());
  return JSON.parse(fresh.replaceAll(EXAMPLE_SERVER, url));
}

/** Where an example of a name stands in the responses, or of one of the headers of one without a
 * body; else it is the success that has none. */
function answerTo(operation, name) {
  const documented = Object.entries(operation.responses);
  const responses = documented.map(([status, response]) => [Number(status), resolved(response)]);
  for (const [status, response] of responses) {
    for (const [type, media] of Object.entries(response.content ?? {})) {
      if (media.examples?.[name]) return { status, type, schema: media.schema };
    }
  }
  const bare = responses.filter(([, response]) => !response.content);
  const headed = bare.find(([, response]) =>
    Object.values(response.headers ?? {}).some((header) => resolved(header).examples?.[name]),
  );
  const [status] = headed ?? bare.find(([each]) => each >= 200 && each < 300) ?? [];
  return status && { status };
}

/** The requests that the examples of an operation make, by name. */
function requestsOf(path, method) {
  const operation = contract.paths[path][method];
  const parameters = [...(contract.paths[path].parameters ?? []), ...(operation.parameters ?? [])];
  const given = parameters.map(resolved);
  const body = resolved(operation.requestBody)?.content[JSON_TYPE];
  const examples = [...given.map((parameter) => parameter.examples ?? {}), body?.examples ?? {}];
  let names = new Set(examples.flatMap(Object.keys));
  if (names.size === 0) names = new Set(unasked(operation));
  return [...names].sort().map((name) => {
    const chosen = examples.map((each) => resolved(each[name])).filter(Boolean);
    const credential = chosen.map((example) => example['x-credential']).find(Boolean);
    const sent = given.flatMap(({ examples: all = {}, ...parameter }) => {
      const first = parameter.in === 'path' ? Object.values(all)[0] : undefined;
      const example = resolved(all[name] ?? first);
      return example ? [{ ...parameter, example: valueOf(example) }] : [];
    });
    const own = { ...operation, parameters: sent };
    if (body?.examples?.[name]) {
      const example = valueOf(resolved(body.examples[name]));
      own.requestBody = { content: { [JSON_TYPE]: { schema: {}, example } } };
    }
    return { name, own, credential: credential ?? (name === 'no-credential' ? 'none' : 'default') };
  });
}

/** Examples of an operation that is asked nothing: a success, and that nobody may. */
function unasked(operation) {
  const documented = Object.entries(operation.responses);
  const wanted = documented.filter(([status]) => /^(2..|401)$/.test(status));
  const media = wanted.flatMap(([, response]) => Object.values(resolved(response).content ?? {}));
  return media.flatMap((each) => Object.keys(each.examples ?? {}));
}

/** The request that openapi-to-postmanv2 makes of a document with one operation. */
async function converted(document) {
  const options = { parametersResolution: 'Example', folderStrategy: 'Tags' };
  const result = await new Promise((settle, fail) => {
    // As a text: it changes the objects it is given.
    const input = { type: 'string', data: JSON.stringify(document) };
    convertV2(input, options, (error, made) => (error ? fail(error) : settle(made)));
  });
  if (!result.result) throw new Error(`no collection: ${result.reason}`);
  const leaves = (item) => item.item?.flatMap(leaves) ?? [item];
  const [request, ...others] = leaves(result.output[0].data);
  if (others.length > 0) throw new Error(`${request.name}: not one request but several`);
  return request;
}

/** What must be true of an answer, as Postman's own assertions. */
function tests({ status, type, schema }) {
  const tested = [['status', `pm.response.to.have.status(${status})`]];
  if (schema === undefined) {
    tested.push(['no body', "pm.expect(pm.response.text()).to.equal('')"]);
  } else {
    const components = "JSON.parse(pm.environment.get('components'))";
    const whole = `{ ...${JSON.stringify(schema)}, components: ${components} }`;
    const found = "pm.response.headers.get('Content-Type')";
    tested.push(['media type', `pm.expect(${found}).to.equal('${type}')`]);
    const options = "{ unknownFormats: 'ignore' }";
    tested.push(['schema', `pm.response.to.have.jsonSchema(${whole}, ${options})`]);
  }
  const exec = tested.map(([name, assertion]) => `pm.test('${name}', () => ${assertion});`);
  return { listen: 'test', script: { type: 'text/javascript', exec } };
}

async function items() {
  const found = [];
  for (const path of Object.keys(contract.paths)) {
    for (const method of METHODS.filter((each) => contract.paths[path][each])) {
      for (const { name, own, credential } of requestsOf(path, method)) {
        const answer = answerTo(own, name);
        const id = own.operationId;
        if (answer === undefined) throw new Error(`${id}: no response has \`${name}\``);
        const paths = { [path]: { [method]: own } };
        const item = await converted({ ...contract, paths });
        const bearer = [{ key: 'token', value: `{{${credential}}}`, type: 'string' }];
        // Indented for readers; to an idempotency key another text is another body.
        const { body: sent } = item.request;
        if (sent?.raw) sent.raw = JSON.stringify(JSON.parse(sent.raw));
        const isOpen = credential === 'none';
        item.request.auth = isOpen ? { type: 'noauth' } : { type: 'bearer', bearer };
        found.push({ ...item, name: `${id} ${name}`, event: [tests(answer)] });
      }
    }
  }
  return found;
}

const collection = await items();
const wrong = { status: 299, type: 'text/none', schema: { type: 'boolean' } };
collection.push({ ...collection[0], name: SELF_TEST, event: [tests(wrong)] });
const variables = { baseUrl: url, components: JSON.stringify(contract.components), ...credentials };
const values = Object.entries(variables).map(([key, value]) => ({ key, value, enabled: true }));
const schema = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
const info = { name: 'examples', schema };
const run = await new Promise((settle, fail) => {
  const options = { collection: { info, item: collection }, environment: { values } };
  const end = (error, summary) => (error ? fail(error) : settle(summary.run));
  newman.run({ ...options, reporters: [] }, end);
});
const failures = run.failures.filter((failure) => failure.source?.name !== SELF_TEST);
for (const { source, error } of failures) {
  console.error(`${source?.name}: ${error.test}: ${error.message}`);
}
const refuted = run.failures.length - failures.length;
if (refuted !== 3) console.error(`the self-test failed ${refuted} times, and must 3 times`);
const { requests, assertions } = run.stats;
console.log(`newman: ${requests.total - 1} examples, ${assertions.total - 3} assertions`);
process.exit(failures.length > 0 || refuted !== 3 ? 1 : 0);
