/** Raw bytes: files of multipart bodies and bodies without a schema. */
export type Binary = Blob | Uint8Array<ArrayBuffer>;

/** Whether a value is raw bytes. */
export function isBinary(value: unknown): value is Binary {
  return value instanceof Uint8Array || value instanceof Blob;
}

/** Headers by name. */
export type PartHeaders = { readonly [name: string]: string };

const HEADERS = new WeakMap<Binary, PartHeaders>();

/** The same bytes, whose part of a multipart body has these headers too. */
export function headed<Content extends Binary>(content: Content, headers: PartHeaders): Content {
  HEADERS.set(content, headers);
  return content;
}

/** What `headed` was told of these bytes. */
export function headersOf(content: Binary): PartHeaders {
  return HEADERS.get(content) ?? {};
}
