/**
 * A problem document, media type `application/problem+json` (RFC 9457).
 *
 * `code` is stable and meant for programs; `title` and `detail` are for people and may change.
 */
export interface Problem<Code extends string = string> {
  /** URI that identifies the kind of problem. */
  type: string;
  /** Short summary of the kind of problem; the same for every occurrence. */
  title: string;
  /** HTTP status code of the response that carried this problem. */
  status: number;
  /** What went wrong this time. */
  detail?: string;
  /** URI of this occurrence. */
  instance?: string;
  /** Stable code from the contract's problem catalogue, such as `not-found`. */
  code: Code;
  /** Correlation id of the request, to quote to support. */
  correlationId: string;
  /** The places of the request that violate the contract. */
  errors?: Violation[];
}

/** One place of a request that violates the contract. It never holds the submitted value. */
export interface Violation {
  /** The part of the request that `pointer` is relative to. */
  in: 'body' | 'query' | 'path' | 'header' | 'cookie';
  /** JSON pointer (RFC 6901) into that part; for parameters the first token is the name. */
  pointer: string;
  /** The violated rule: a JSON Schema keyword such as `maxLength`, or `type`, or `syntax`. */
  code: string;
  /** The rule in words. */
  detail?: string;
}
