import { isBinary } from './binary.js';
import { EncodeError } from './error.js';
import { covers } from './media.js';
import { encodeMultipart } from './multipart.js';
import type { RequestBody } from './operation.js';
import { encodeParts } from './parts.js';
import { encodeForm, encodePairs, encodeText, join } from './parameters.js';
import type { Pair, Parameter } from './parameters.js';

/** A request ready to be sent, as often as needed. */
export interface Outgoing {
  /** Path and query string, percent-encoded, to follow the base URL. */
  readonly target: string;
  readonly headers: Headers;
  readonly body?: BodyInit | undefined;
}

/** The parts of an operation a request is written by. */
export interface Writable {
  readonly path: string;
  readonly idempotency?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: RequestBody | readonly RequestBody[];
}

/**
 * Writes a request. Fills in an idempotency key where the caller left it empty: one key for all
 * attempts of a call, so that the server can tell them from a second call.
 */
export function encode(operation: Writable, request: object): Outgoing {
  const values = request as { readonly [key: string]: unknown };
  const path = new Map<string, string>();
  const query: Pair[] = [];
  const cookies: Pair[] = [];
  const headers = new Headers();
  for (const parameter of operation.parameters ?? []) {
    const value = values[parameter.key];
    if (parameter.in === 'query') query.push(...encodePairs(parameter, value));
    else if (parameter.in === 'cookie') cookies.push(...encodePairs(parameter, value));
    else {
      const text = encodeText(parameter, value);
      if (text === undefined) continue;
      if (parameter.in === 'path') path.set(parameter.name, text);
      else setHeader(headers, parameter.name, text);
    }
  }
  if (operation.idempotency !== undefined && !headers.get(operation.idempotency)) {
    headers.set(operation.idempotency, crypto.randomUUID());
  }
  if (cookies.length > 0) setHeader(headers, 'Cookie', join(cookies, '; '));
  const target = fill(operation.path, path);
  return {
    target: query.length > 0 ? `${target}?${join(query, '&')}` : target,
    headers,
    body: writeBody(chosen(operation.body, values['contentType']), values['body'], headers),
  };
}

/** Sets a header, or says that it cannot carry the value without showing it. */
export function setHeader(headers: Headers, name: string, value: string): void {
  try {
    headers.set(name, value);
  } catch {
    throw new EncodeError(`parameter \`${name}\` cannot be sent: a header cannot carry it`);
  }
}

/** The form of a body that a caller asked for, or the first. */
function chosen(
  forms: RequestBody | readonly RequestBody[] | undefined,
  contentType: unknown,
): RequestBody | undefined {
  if (forms === undefined || !isList(forms)) return forms;
  if (typeof contentType !== 'string') return forms[0];
  const form = forms.find((form) => covers(form.mediaType ?? '', contentType));
  if (form === undefined) throw new EncodeError(`no body of the media type \`${contentType}\``);
  return { ...form, mediaType: contentType };
}

function isList(forms: RequestBody | readonly RequestBody[]): forms is readonly RequestBody[] {
  return Array.isArray(forms);
}

function writeBody(shape: RequestBody | undefined, body: unknown, headers: Headers) {
  if (shape === undefined || body === undefined) return undefined;
  const written = encodeBody(shape, body);
  setHeader(headers, 'Content-Type', written.mediaType);
  return written.content;
}

function encodeBody(shape: RequestBody, body: unknown): { mediaType: string; content: BodyInit } {
  const as = (mediaType: string, content: BodyInit) => ({
    mediaType: shape.mediaType ?? mediaType,
    content,
  });
  switch (shape.kind) {
    case 'json':
      return as('application/json', json(body));
    case 'form':
      return as('application/x-www-form-urlencoded', encodeForm(body, shape.styles));
    case 'multipart':
      return encodeMultipart(Object(body), shape.parts, shape.spread);
    case 'parts':
      return encodeParts(body, shape.mediaType ?? 'multipart/mixed');
    case 'lines':
      return as('application/x-ndjson', lines(shape.mediaType, body));
    case 'text':
      return as('text/plain; charset=utf-8', String(body));
    case 'bytes':
      if (!isBinary(body)) throw new EncodeError('the body is not a Blob or Uint8Array');
      return as((body instanceof Blob && body.type) || 'application/octet-stream', body);
  }
}

/** JSON documents, one a line; after record separators (RFC 7464) where the media type says so. */
function lines(mediaType: string | undefined, body: unknown): string {
  if (!Array.isArray(body)) throw new EncodeError('the body is not a list');
  const mark = mediaType?.includes('json-seq') ? '\u001e' : '';
  return body.map((item) => `${mark}${json(item)}\n`).join('');
}

function json(body: unknown): string {
  try {
    return JSON.stringify(body);
  } catch (cause) {
    throw new EncodeError('the body cannot be written as JSON', { cause });
  }
}

/** The path template with its parameters' text, which is percent-encoded already. */
function fill(template: string, values: ReadonlyMap<string, string>): string {
  return template.replace(/\{([^}]*)\}/g, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) {
      throw new EncodeError(`parameter \`${name}\` cannot be sent: it is missing`);
    }
    return value;
  });
}
