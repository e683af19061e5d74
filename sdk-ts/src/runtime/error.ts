import type { Problem } from './problem.js';

/** Everything a call can reject with, except the reason of the caller's own abort signal. */
export type CallError =
  | ProblemError
  | ApiError
  | EncodeError
  | TransportError
  | TimeoutError
  | DecodeError
  | UnexpectedError;

/** A problem the contract documents for this operation. */
export class ProblemError<Code extends string = string> extends Error {
  override readonly name = 'ProblemError';
  /** The problem document. */
  readonly problem: Problem<Code>;

  constructor(problem: Problem<Code>) {
    super(`documented problem \`${problem.code}\``);
    this.problem = problem;
  }

  /** HTTP status code. */
  get status(): number {
    return this.problem.status;
  }
}

/** A documented error response: a status, its typed headers and its body. */
export interface ErrorResponse {
  readonly status: number;
  readonly body?: unknown;
}

/** An error response the contract documents by its status, for operations without problem codes. */
export class ApiError<Response extends ErrorResponse = ErrorResponse> extends Error {
  override readonly name = 'ApiError';
  readonly #response: Response;

  constructor(response: Response) {
    super(`documented error: status ${response.status}`);
    this.#response = response;
  }

  /** The response; its `status` tells the types of `body` apart. Kept out of logs. */
  get response(): Response {
    return this.#response;
  }

  /** HTTP status code. */
  get status(): number {
    return this.#response.status;
  }
}

/** The request cannot be written, so nothing was sent. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}

/** The request may or may not have arrived: no whole response came back. */
export class TransportError extends Error {
  override readonly name = 'TransportError';

  constructor(cause: unknown) {
    super('the connection broke before a whole response came back', { cause });
  }
}

/** No whole response came back in time. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';

  constructor() {
    super('no response in time');
  }
}

/** A documented status came with content that is not as documented. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A response the contract does not document for this operation. */
export class UnexpectedError extends Error {
  override readonly name = 'UnexpectedError';
  /** HTTP status code. */
  readonly status: number;
  readonly #body: Uint8Array<ArrayBuffer>;

  constructor(status: number, body: Uint8Array<ArrayBuffer>) {
    super(`the contract does not document this response: status ${status}`);
    this.status = status;
    this.#body = body;
  }

  /** The body, whatever it is, as text. Kept out of logs. */
  get body(): string {
    return new TextDecoder().decode(this.#body);
  }
}

/** What can end a socket, besides the reason of the caller's own abort signal. */
export type SocketError =
  | ProblemError<'invalid-message'>
  | CloseError
  | RefusedError
  | OverflowError
  | EncodeError
  | TimeoutError
  | DecodeError;

/** A connection that was open has ended, and does not come back. */
export class CloseError extends Error {
  override readonly name = 'CloseError';
  /** Status code (RFC 6455, 7.4): 1006 if the connection broke, 1005 if it ended without one. */
  readonly code: number;
  readonly #reason: string;

  constructor(code: number, reason: string) {
    super(`the socket was closed: code ${code}`);
    this.code = code;
    this.#reason = reason;
  }

  /** What the server said about it. Kept out of logs. */
  get reason(): string {
    return this.#reason;
  }
}

/**
 * No connection came about: the server cannot be reached, or it refuses, be it the credentials or
 * the parameters. A browser does not tell which.
 */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(cause: unknown) {
    super('the server cannot be reached, or refuses the connection', { cause });
  }
}

/** More messages wait than may. */
export class OverflowError extends Error {
  override readonly name = 'OverflowError';

  constructor(what: 'sent' | 'received') {
    super(`too many messages wait to be ${what === 'sent' ? 'sent' : 'taken'}`);
  }
}

/**
 * Whether an error is a documented problem, of one of these codes if any are given.
 *
 * With the codes of an operation as type argument, other codes do not compile:
 * `isProblem<CancelServiceCallProblem>(error, 'not-cancellable')`.
 */
export function isProblem<Code extends string>(
  error: unknown,
  ...codes: Code[]
): error is ProblemError<Code> {
  if (!(error instanceof ProblemError)) return false;
  return codes.length === 0 || codes.some((code) => code === error.problem.code);
}

/** Whether an error is a response documented by its status: `isApiError<GetPetError>(error)`. */
export function isApiError<Response extends ErrorResponse = ErrorResponse>(
  error: unknown,
): error is ApiError<Response> {
  return error instanceof ApiError;
}
