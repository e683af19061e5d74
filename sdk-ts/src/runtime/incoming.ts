import { ApiError, DecodeError, ProblemError, UnexpectedError } from './error.js';
import { breadth } from './media.js';
import { readForm, readParts } from './form.js';
import type {
  Answer,
  AnswerForm,
  AnswerHeader,
  AnswerKind,
  AnswerShape,
  Answers,
} from './operation.js';
import { decodeParts } from './parts.js';
import type { Problem } from './problem.js';
import {
  readBytes,
  readEvents,
  readLines,
  readTextEvents,
  readWholeEvents,
} from './stream.js';

/** A response: whole, or with a body that is still arriving. */
export interface Incoming {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  /** The body as it arrives; `body` is empty then. */
  readonly live?: ReadableStream<Uint8Array>;
}

/** The parts of an operation a response is judged by. */
export interface Readable {
  readonly responses: Answers;
  readonly errors?: Answers;
  readonly problems?: readonly string[];
}

/** Reads a documented success, or throws what else the response is. */
export function decode(operation: Readable, incoming: Incoming): object {
  const { status } = incoming;
  const success = find(operation.responses, status, operation.errors);
  if (success !== undefined) return read(success, incoming);
  const problem = readProblem(incoming);
  if (problem !== undefined && operation.problems?.includes(problem.code)) {
    throw new ProblemError(problem);
  }
  const failure = operation.errors && find(operation.errors, status);
  if (failure !== undefined) throw new ApiError(readFailure(failure, incoming));
  throw new UnexpectedError(status, incoming.body);
}

/** The answer documented for a status; an exact status elsewhere wins over a range or default. */
function find(answers: Answers, status: number, elsewhere: Answers = {}) {
  const range = `${Math.floor(status / 100)}XX`;
  const exact = answers[status];
  if (exact !== undefined || elsewhere[status] !== undefined) return exact;
  if (answers[range] !== undefined || elsewhere[range] !== undefined) return answers[range];
  return answers['default'];
}

function read(answer: Answer, incoming: Incoming): { status: number } {
  const result: { status: number; [key: string]: unknown } = { status: incoming.status };
  for (const header of answer.headers ?? []) {
    const value = readText(header, incoming.headers.get(header.name), 'response header');
    if (value !== undefined) result[header.key] = value;
  }
  if (answer.body === undefined) return result;
  const form = chosen(answer.body, incoming.headers);
  if (form.mediaType !== undefined) result['contentType'] = form.mediaType;
  result['body'] = readBody(form, incoming);
  return result;
}

/** What reads bodies that come item by item. */
const STREAMS = {
  events: readEvents,
  wholeEvents: readWholeEvents,
  textEvents: readTextEvents,
  lines: readLines,
};

function isStream(kind: AnswerKind): kind is keyof typeof STREAMS {
  return kind in STREAMS;
}

/** Whether a response comes item by item, as its operation says it may. */
export function isStreamed(operation: Readable, status: number, headers: Headers): boolean {
  const answer = find(operation.responses, status, operation.errors);
  if (answer?.body === undefined || !headers.has('Content-Type')) return false;
  return isStream(chosen(answer.body, headers).kind);
}

/** The form that a message has; the first where it has none of them. */
export function chosen(
  body: AnswerKind | AnswerShape | readonly AnswerForm[],
  headers: Headers,
): AnswerShape & { mediaType?: string } {
  if (typeof body === 'string') return { kind: body };
  if (!isList(body)) return body;
  const given = headers.get('Content-Type') ?? '';
  const fits = body.flatMap((form) =>
    form.mediaTypes.flatMap((media) => {
      const reach = breadth(media, given);
      return reach === undefined ? [] : [{ form, reach, mediaType: reach === 0 ? media : given }];
    }),
  );
  const [best] = fits.sort((left, right) => left.reach - right.reach);
  if (best !== undefined) return { ...best.form, mediaType: best.mediaType };
  const [first] = body;
  return { kind: 'bytes', ...first, mediaType: first?.mediaTypes[0] ?? given };
}

function isList(
  body: AnswerShape | readonly AnswerForm[],
): body is readonly AnswerForm[] {
  return Array.isArray(body);
}

/** A broken error page says less than its status does. */
function readFailure(answer: Answer, incoming: Incoming): { status: number } {
  try {
    return read(answer, incoming);
  } catch {
    throw new UnexpectedError(incoming.status, incoming.body);
  }
}

/** The body of a message, read as its form says. */
export function readBody({ kind, members }: AnswerShape, incoming: Incoming): unknown {
  const { body } = incoming;
  const mediaType = incoming.headers.get('Content-Type');
  if (isStream(kind)) return STREAMS[kind](arriving(incoming));
  if (kind === 'bytes') return body;
  if (kind === 'parts') return decodeParts(body, mediaType);
  if (kind === 'multipart') return readParts(decodeParts(body, mediaType), members);
  if (kind === 'form') return readForm(utf8(body), members);
  const text = utf8(body);
  if (kind === 'text') return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new DecodeError('the body is not JSON');
  }
}

async function* whole(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body;
}

function arriving(incoming: Incoming): AsyncIterable<Uint8Array> {
  return incoming.live === undefined ? whole(incoming.body) : readBytes(incoming.live);
}

function utf8(body: Uint8Array<ArrayBuffer>): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw new DecodeError('the body is not UTF-8 text');
  }
}

/** A typed value that travels as text, if it is there; `place` says where. */
export function readText(
  header: AnswerHeader,
  text: string | null,
  place: string,
): unknown {
  if (text === null) {
    if (!header.required) return undefined;
    throw new DecodeError(`${place} \`${header.name}\` is missing`);
  }
  const value = convert(header.type, text);
  if (value !== undefined) return value;
  throw new DecodeError(`${place} \`${header.name}\` does not have the documented type`);
}

function convert(type: AnswerHeader['type'], text: string): unknown {
  switch (type) {
    case undefined:
      return text;
    case 'list':
      return text.split(',').map((item) => item.trim());
    case 'values':
      return [text];
    case 'json':
      return parsed(text);
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'number': {
      const number = Number(text);
      return text.trim() === '' || Number.isNaN(number) ? undefined : number;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The problem document this response holds, if it holds one. */
function readProblem(incoming: Incoming): Problem | undefined {
  try {
    const value: unknown = JSON.parse(utf8(incoming.body));
    if (typeof value !== 'object' || value === null || !('code' in value)) return undefined;
    if (typeof value.code !== 'string') return undefined;
    const { code } = value;
    const absent = { type: 'about:blank', title: '', status: incoming.status, correlationId: '' };
    return { ...absent, ...value, code };
  } catch {
    return undefined;
  }
}
