// Redocly Respect runs the contract's workflows against a server:
//   CREDENTIALS='{"default":"…","other-tenant":"…"}' node respect.mjs CONTRACTS URL FOLDER
// It runs a copy of the document in which only that is said otherwise which it reads otherwise; the
// functions below say what and why. What came of each workflow is left for newman.mjs.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';

const [contracts, url, folder] = process.argv.slice(2);
const credentials = JSON.parse(process.env.CREDENTIALS);
const EXAMPLE_SERVER = 'http://127.0.0.1:8080';
/** Until a call is due there is time for another process to start; nobody waits for it alone. */
const MORE_SECONDS = 17;
/** A workflow that must fail, so that it is known that one can. */
const SELF_TEST = 'self-test';

/** A value with every text in it, and every object, seen by a function; children first. */
function everywhere(value, change) {
  if (Array.isArray(value)) return value.map((item) => everywhere(item, change));
  if (value === null || typeof value !== 'object') return change(value);
  const entries = Object.entries(value).map(([key, item]) => [key, everywhere(item, change)]);
  return change(Object.fromEntries(entries));
}

/** Ours: `{$uuid}`, `{$now+PT3S}`, `{$now-PT1H}` in defaults; the example's server is this one. */
function fresh(text) {
  if (typeof text !== 'string') return text;
  return text
    .replaceAll('{$uuid}', () => crypto.randomUUID())
    .replaceAll(/\{\$now([+-])(PT?\d+[SMHD])\}/g, (_, sign, duration) => {
      const [, amount, unit] = /(\d+)([SMHD])/.exec(duration);
      const seconds = Number(amount) * { S: 1, M: 60, H: 3600, D: 86400 }[unit];
      const from = Date.now() / 1000 + (sign === '+' ? seconds + MORE_SECONDS : -seconds);
      return new Date(from * 1000).toISOString();
    })
    .replaceAll(EXAMPLE_SERVER, url);
}

/** Ours: `x-credential` of a step. Theirs: `x-security`, with the token in an input. */
function secured(step) {
  const { 'x-credential': name = 'default', ...rest } = step;
  const values = { token: `$inputs.${name}` };
  const scheme = { schemeName: '$sourceDescriptions.calls.oidc', values };
  return { ...rest, 'x-security': [scheme] };
}

/** Ours: a pointer to nothing is null. Theirs: an error; the length of a list says the same. */
function ended(criterion) {
  const [, length] = /^\$response\.body#\/items\/(\d+) == null$/.exec(criterion?.condition) ?? [];
  if (length === undefined) return criterion;
  // To Respect `$` is a list with the context in it, as in an example of the specification.
  const condition = `$[?length(@.items) == ${length}]`;
  return { context: '$response.body', type: 'jsonpath', condition };
}

/** Theirs: the rule `outputs-defined` takes steps of one name in two workflows for one. */
function named(workflow) {
  const own = `${workflow.workflowId}-`;
  return everywhere(workflow, (value) => {
    if (typeof value === 'string') return value.replaceAll('$steps.', `$steps.${own}`);
    return value?.stepId ? { ...value, stepId: own + value.stepId } : value;
  });
}

/** What is due later is waited for longer. */
function patient(step) {
  const again = (action) => ({ ...action, retryLimit: action.retryLimit * 4 });
  return step.onFailure ? { ...step, onFailure: step.onFailure.map(again) } : step;
}

const isTimed = (workflow) => JSON.stringify(workflow.inputs ?? {}).includes('{$now+');

function adapted(workflow) {
  const token = { type: 'string', format: 'password' };
  const tokens = Object.fromEntries(Object.keys(credentials).map((name) => [name, token]));
  const properties = everywhere(workflow.inputs?.properties ?? {}, fresh);
  const inputs = { type: 'object', properties: { ...properties, ...tokens } };
  const steps = workflow.steps.map((step) => {
    const successCriteria = step.successCriteria.map(ended);
    const whole = { ...step, successCriteria };
    return secured(isTimed(workflow) ? patient(whole) : whole);
  });
  return named({ ...workflow, inputs, steps });
}

/** The first workflow whose first step must answer what it does not. */
function selfTest(workflow) {
  const [step] = workflow.steps;
  const successCriteria = [{ condition: '$statusCode == 299' }];
  const wrong = { ...step, successCriteria, outputs: undefined };
  return adapted({ ...workflow, workflowId: SELF_TEST, steps: [wrong], outputs: undefined });
}

/** Runs workflows; returns what Respect tells as JSON, and as text. */
async function run(name, document, workflows) {
  const file = join(folder, `${name}.arazzo.yaml`);
  const told = join(folder, `${name}.json`);
  // JSON is YAML.
  await writeFile(file, JSON.stringify({ ...document, workflows }, null, 2));
  const require = createRequire(import.meta.url);
  const program = join(require.resolve('@redocly/cli/package.json'), '../bin/cli.js');
  const inputs = Object.entries(credentials).map(([input, token]) => `${input}=${token}`).join(',');
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_CLI_RESPECT_INPUT: inputs };
  const options = ['respect', file, '--server', `calls=${url}`, '--json-output', told];
  const text = await new Promise((settle) => {
    const all = { env, cwd: folder, maxBuffer: 1 << 26 };
    execFile(process.execPath, [program, ...options], all, (_, out, err) => settle(out + err));
  });
  const report = await readFile(told, 'utf8').catch(() => undefined);
  if (report === undefined) throw new Error(`Respect tells nothing:\n${text}`);
  const [{ executedWorkflows }] = Object.values(JSON.parse(report).files);
  return { text, executed: executedWorkflows };
}

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const document = parse(await readFile(join(contracts, 'workflows.arazzo.yaml'), 'utf8'));
document.sourceDescriptions[0].url = resolve(contracts, 'openapi.yaml');
const timed = document.workflows.filter(isTimed).map(adapted);
const others = document.workflows.filter((workflow) => !isTimed(workflow)).map(adapted);
const runs = await Promise.all([
  run('timed', document, timed),
  run('others', document, [...others, selfTest(document.workflows[0])]),
]);
const executed = runs.flatMap((each) => each.executed);
const fits = (workflow) => (workflow.status === 'success') === (workflow.workflowId !== SELF_TEST);
const isWhole = executed.length === document.workflows.length + 1;
if (!isWhole || !executed.every(fits)) {
  // What passed is told at length before it.
  for (const { text } of runs) console.error(text.slice(text.indexOf('Failed tests info')));
  const unfit = executed.filter((workflow) => !fits(workflow));
  console.error(`respect: ${unfit.map((workflow) => workflow.workflowId)}`);
  process.exit(1);
}
const steps = executed.flatMap((workflow) => workflow.executedSteps);
const checks = steps.flatMap((step) => step.checks);
console.log(`respect: ${executed.length - 1} workflows, ${checks.length} checks`);
