import { headersOf, isBinary, type Binary } from './binary.js';
import { DecodeError, EncodeError } from './error.js';

/** A part of a body of parts in order. */
export interface Part {
  /** Its headers, by their names in lower case. */
  readonly headers: { readonly [name: string]: string };
  readonly content: Uint8Array<ArrayBuffer>;
}

/** Writes parts in order (RFC 2046, 5.1), such as `multipart/mixed`. */
export function encodeParts(
  body: unknown,
  mediaType: string,
): { mediaType: string; content: Blob } {
  if (!Array.isArray(body) || !body.every(isBinary)) {
    throw new EncodeError('the body is not a list of Blob or Uint8Array');
  }
  const boundary = `symbolon-${crypto.randomUUID()}`;
  const chunks = body.flatMap((part): BlobPart[] => [
    `--${boundary}\r\n${head(part)}\r\n`,
    part,
    '\r\n',
  ]);
  chunks.push(`--${boundary}--\r\n`);
  return { mediaType: `${mediaType}; boundary=${boundary}`, content: new Blob(chunks) };
}

/** The lines of headers that `headed` told of a part. */
export function headLines(content: Binary): string {
  const lines = Object.entries(headersOf(content)).map(([name, value]) => {
    if (!/^[\w!#$%&'*+\-.^`|~]+$/.test(name) || /[\r\n\0]/.test(value)) {
      throw new EncodeError(`header \`${name}\` of a part cannot be sent`);
    }
    return `${name}: ${value}\r\n`;
  });
  return lines.join('');
}

function head(content: Binary): string {
  const type = content instanceof Blob ? content.type : '';
  const name = content instanceof File ? content.name : '';
  const quoted = name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const disposition = `Content-Disposition: attachment; filename="${quoted}"\r\n`;
  const media = type === '' ? '' : `Content-Type: ${type}\r\n`;
  return `${media}${name === '' ? '' : disposition}${headLines(content)}`;
}

/** Reads parts in order that have arrived whole. */
export function decodeParts(body: Uint8Array<ArrayBuffer>, mediaType: string | null): Part[] {
  const boundary = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(mediaType ?? '');
  const delimiter = `\r\n--${boundary?.[1] ?? boundary?.[2]}`;
  // A character a byte, so that places in the text are places in the body.
  const text = `\r\n${latin(body)}`;
  let at = boundary === null ? -1 : text.indexOf(delimiter);
  const parts: Part[] = [];
  while (at >= 0 && !text.startsWith('--', at + delimiter.length)) {
    const start = text.indexOf('\r\n', at + delimiter.length);
    const end = start < 0 ? -1 : text.indexOf(delimiter, start + 2);
    if (end < 0 || text.slice(at + delimiter.length, start).trim() !== '') break;
    parts.push(part(text.slice(start + 2, end), body.slice(start, end - 2)));
    at = end;
  }
  if (at >= 0 && text.startsWith('--', at + delimiter.length)) return parts;
  throw new DecodeError('the body of the response is not parts');
}

/** A part: its headers, if it has any, an empty line and its content. */
function part(text: string, bytes: Uint8Array<ArrayBuffer>): Part {
  const bare = text.startsWith('\r\n');
  const end = bare ? 0 : text.indexOf('\r\n\r\n');
  if (end < 0) throw new DecodeError('the body of the response is not parts');
  const lines = text.slice(0, end).split('\r\n').filter((line) => line.includes(':'));
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { headers: Object.fromEntries(headers), content: bytes.slice(end + (bare ? 2 : 4)) };
}

function latin(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 32_768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  }
  return text;
}
