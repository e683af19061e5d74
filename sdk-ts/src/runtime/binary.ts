/** Raw bytes: files of multipart bodies and bodies without a schema. */
export type Binary = Blob | Uint8Array<ArrayBuffer>;

/** Whether a value is raw bytes. */
export function isBinary(value: unknown): value is Binary {
  return value instanceof Uint8Array || value instanceof Blob;
}
