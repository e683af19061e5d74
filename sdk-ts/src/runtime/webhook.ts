import { DecodeError } from './error.js';
import { chosen, readBody, readText } from './incoming.js';
import type { AnswerForm, AnswerHeader, AnswerKind, AnswerShape } from './operation.js';

/** How a webhook or callback is read. Generated constants are of this type. */
export interface Webhook<Brought> {
  /** What the contract calls it. */
  readonly id: string;
  /** Its typed headers. */
  readonly headers?: readonly AnswerHeader<KeysOf<Brought>>[];
  /** Its typed query parameters. */
  readonly query?: readonly AnswerHeader<KeysOf<Brought>>[];
  /** How its body is read, by its media type if there are several forms; left out without one. */
  readonly body?: AnswerKind | AnswerShape | readonly AnswerForm[];
  /** Whether the body may be absent. */
  readonly optional?: true;
}

/** A request as some server received it. */
export interface Received {
  /** Its headers, as `fetch` or `node:http` has them. */
  readonly headers: Headers | { readonly [name: string]: string | readonly string[] | undefined };
  /** Its body, whole and as it came. */
  readonly body: string | Uint8Array;
  /** Its URL, or the path and query string of it. */
  readonly url?: string | URL;
}

/**
 * Reads what a webhook brings. It is not held against its schema, as answers are not, and who sent
 * it is the receiver's to check.
 *
 * @throws {DecodeError} where it is not of the form the contract says
 */
export function receive<Brought extends object>(
  webhook: Webhook<Brought>,
  received: Received,
): Brought {
  const brought: Record<string, unknown> = {};
  const put = (header: AnswerHeader, text: string | null, place: string) => {
    const value = readText(header, text, place);
    if (value !== undefined) brought[header.key] = value;
  };
  const headers = headersOf(received);
  webhook.headers?.forEach((header) => put(header, headers.get(header.name), 'header'));
  webhook.query?.forEach((parameter) => {
    const values = new URL(received.url ?? '', 'http://receiver').searchParams;
    const given = values.getAll(parameter.name);
    const isList = parameter.type === 'list' || parameter.type === 'values';
    if (given.length > 1 && isList) brought[parameter.key] = given;
    else if (given.length < 2) put(parameter, given[0] ?? null, 'query parameter');
    else throw new DecodeError(`query parameter \`${parameter.name}\` is given more than once`);
  });
  const body = bytes(received.body);
  if (webhook.body === undefined || (webhook.optional && body.byteLength === 0)) {
    return brought as Brought;
  }
  const form = chosen(webhook.body, headers);
  if (form.mediaType !== undefined) brought['contentType'] = form.mediaType;
  brought['body'] = readBody(form, { status: 0, headers, body });
  return brought as Brought;
}

function bytes(body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body);
}

function headersOf({ headers }: Received): Headers {
  if (headers instanceof Headers) return headers;
  const found = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    const values = typeof value === 'string' ? [value] : (value ?? []);
    // Names that HTTP/2 has of its own are no headers.
    if (!name.startsWith(':')) values.forEach((each) => found.append(name, each));
  }
  return found;
}

type KeysOf<T> = T extends unknown ? keyof T & string : never;
