import { isBinary, type Binary } from './binary.js';
import { EncodeError } from './error.js';
import { headLines } from './parts.js';

/** A value and the media type of its part. */
interface Piece {
  readonly name: string;
  readonly mediaType?: string | undefined;
  readonly fileName?: string;
  readonly headers?: string;
  readonly content: BlobPart;
}

/**
 * Writes a `multipart/form-data` body (RFC 7578) that can be sent more than once: text for scalars,
 * files for raw bytes, a part an element for arrays, JSON for objects. Members that are `spread`
 * have a part for each scalar and file in them, under the way to it.
 */
export function encodeMultipart(
  body: object,
  mediaTypes: { readonly [name: string]: string } = {},
  spread: readonly string[] = [],
): { mediaType: string; content: Blob } {
  const boundary = `symbolon-${crypto.randomUUID()}`;
  const chunks: BlobPart[] = [];
  for (const [name, value] of Object.entries(body)) {
    const found = spread.includes(name) ? deep(name, value) : pieces(name, value, mediaTypes[name]);
    for (const piece of found) {
      chunks.push(`--${boundary}\r\n${head(piece)}\r\n`, piece.content, '\r\n');
    }
  }
  chunks.push(`--${boundary}--\r\n`);
  return { mediaType: `multipart/form-data; boundary=${boundary}`, content: new Blob(chunks) };
}

function deep(name: string, value: unknown): Piece[] {
  if (typeof value !== 'object' || value === null || isBinary(value)) return pieces(name, value);
  return Object.entries(value).flatMap(([key, item]) => {
    const found = deep(`${name}[${key}]`, item);
    const isHollow = found.length === 0 && item !== null && item !== undefined;
    if (!isHollow || !Array.isArray(value)) return found;
    throw new EncodeError(`\`${name}\` cannot be sent: a list holds an empty list or object`);
  });
}

function pieces(name: string, value: unknown, mediaType?: string): Piece[] {
  if (value === null || value === undefined) return [];
  if (isBinary(value)) return [file(name, value, mediaType)];
  if (mediaType !== undefined && isJson(mediaType)) {
    return [{ name, mediaType, content: JSON.stringify(value) }];
  }
  if (Array.isArray(value)) return value.flatMap((item) => pieces(name, item, mediaType));
  if (typeof value === 'object') {
    return [{ name, mediaType: 'application/json', content: JSON.stringify(value) }];
  }
  return [{ name, mediaType, content: String(value) }];
}

function file(name: string, content: Binary, mediaType?: string): Piece {
  const own = content instanceof Blob && content.type !== '' ? content.type : undefined;
  const fileName = content instanceof File ? content.name : name;
  const type = mediaType ?? own ?? 'application/octet-stream';
  return { name, mediaType: type, fileName, headers: headLines(content), content };
}

function head(piece: Piece): string {
  const fileName = piece.fileName === undefined ? '' : `; filename="${quoted(piece.fileName)}"`;
  const disposition = `Content-Disposition: form-data; name="${quoted(piece.name)}"${fileName}\r\n`;
  if (piece.mediaType === undefined) return disposition;
  return `${disposition}Content-Type: ${quoted(piece.mediaType)}\r\n${piece.headers ?? ''}`;
}

/** Escapes what would end a quoted name or a line, as the HTML standard does. */
function quoted(text: string): string {
  return text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function isJson(mediaType: string): boolean {
  return /^[^;]*[/+]json\s*(;|$)/i.test(mediaType);
}
