// Parses every AsyncAPI document of contracts/ with @asyncapi/parser and validates the examples of
// its messages, which neither the parser nor Spectral does for 3.0; exits 1 on error or warning.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Parser } from '@asyncapi/parser';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const warning = 1; // severities: 0 error, 1 warning, 2 information, 3 hint
const contracts = join(import.meta.dirname, '..');
const parser = new Parser();
const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
let refusals = 0;

function refuse(place, reason) {
  console.error(`${place} ${reason}`);
  refusals += 1;
}

function checkExamples(file, message) {
  const validate = ajv.compile(message.payload().json());
  for (const example of message.examples().all()) {
    if (validate(example.payload())) continue;
    for (const { instancePath, message: reason } of validate.errors) {
      refuse(`${file}: ${message.name()} example ${example.name()} ${instancePath}`, reason);
    }
  }
}

for (const system of (await readdir(contracts)).sort()) {
  const path = join(contracts, system, 'asyncapi.yaml');
  if (!existsSync(path)) continue;
  const file = relative(contracts, path);
  const text = await readFile(path, 'utf8');
  const { document, diagnostics } = await parser.parse(text, { source: path });
  for (const { severity, code, message, range, source } of diagnostics) {
    if (severity > warning) continue;
    const { line, character } = range.start;
    const place = `${relative(contracts, source ?? path)}:${line + 1}:${character + 1}`;
    refuse(place, `${code}: ${message}`);
  }
  for (const message of document?.messages() ?? []) checkExamples(file, message);
  if (document) console.log(`${file}: ${document.messages().length} messages`);
}
process.exit(refusals === 0 ? 0 : 1);
