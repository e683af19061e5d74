import type { Alternatives } from './auth.js';
import type { Parameter, Styles } from './parameters.js';
import type { OwnServer } from './server.js';

/** What the contract says of one operation. Generated constants are of this type. */
export interface Operation<Request, Response extends { status: number }> {
  /** `operationId` of the contract. */
  readonly id: string;
  /** HTTP method. */
  readonly method: string;
  /** Path template, such as `/v1/service-calls/{id}`. */
  readonly path: string;
  /** Media types the caller understands, where they are not JSON and problem documents. */
  readonly accept?: string;
  /** Header that carries the idempotency key, where the operation has one (`x-idempotency`). */
  readonly idempotency?: string;
  /** Where it is served, if that is not where the rest of its contract is. */
  readonly server?: OwnServer;
  /** Which of the client's credentials are sent, where it is not all: none for `security: []`. */
  readonly security?: 'none' | Alternatives;
  /** Where the members of the request travel. */
  readonly parameters?: readonly Parameter<keyof Request & string>[];
  /** How the member `body` of the request is written; the first, or as `contentType` says. */
  readonly body?: RequestBody | readonly RequestBody[];
  /** The documented successes. */
  readonly responses: Answers<KeysOf<Response>>;
  /** The documented errors by status, for operations without problem codes. */
  readonly errors?: Answers;
  /** Codes of the documented problems (`x-problems`). */
  readonly problems?: readonly string[];
}

/** An operation that answers in pages (`x-pagination`). */
export interface Paged<Request, Response extends { status: number }, Item, Cursor>
  extends Operation<Request, Response> {
  /** The items of a page. */
  readonly items: (response: Response) => readonly Item[];
  /** The cursor of the next page, if there is one. */
  readonly next: (response: Response) => Cursor | null | undefined;
  /** The request for the page at a cursor. */
  readonly resume: (request: Request, cursor: Cursor) => Request;
}

/** How a request body is written. */
export interface RequestBody {
  readonly kind: BodyKind;
  /** Its media type, where it is not the usual one of its kind. */
  readonly mediaType?: string;
  /** Media types of parts (multipart), where they are not the usual ones. */
  readonly parts?: { readonly [name: string]: string };
  /** Members of a multipart body that are spread over parts of their own: `name[key]`. */
  readonly spread?: readonly string[];
  /** How members of a form are laid out, where it is not as usual. */
  readonly styles?: Styles;
}

/** How a request body is written. */
export type BodyKind = 'json' | 'form' | 'multipart' | 'parts' | 'text' | 'bytes' | 'lines';

/** How the body of a response is read. */
export type AnswerKind =
  | 'json'
  | 'text'
  | 'bytes'
  | 'parts'
  | 'form'
  | 'multipart'
  | 'events'
  | 'wholeEvents'
  | 'textEvents'
  | 'lines';

/** How the body of a response is read, where its kind does not say it all. */
export interface AnswerShape {
  readonly kind: AnswerKind;
  /** What the members of a form are, where they are not text. */
  readonly members?: FormMembers;
}

/** One form of the body of a response. */
export interface AnswerForm extends AnswerShape {
  /** Media types it comes under. */
  readonly mediaTypes: readonly string[];
}

/** What a member of a form is, by its name on the wire. */
export type FormMembers = { readonly [name: string]: FormValue | `${FormValue}[]` };

/** What a value in a form is made of. */
export type FormValue = 'text' | 'number' | 'boolean' | 'json' | 'file';

/** Documented responses by status, `4XX` or `default`. */
export interface Answers<Key extends string = string> {
  readonly [status: string]: Answer<Key>;
}

/** One documented response. */
export interface Answer<Key extends string = string> {
  /** How its body is read, by its media type if there are several forms; left out without one. */
  readonly body?: AnswerKind | AnswerShape | readonly AnswerForm[];
  /** Its typed headers. */
  readonly headers?: readonly AnswerHeader<Key>[];
}

/** A typed header of a response. */
export interface AnswerHeader<Key extends string = string> {
  /** Name on the wire. */
  readonly name: string;
  /** Name in the response. */
  readonly key: Key;
  /**
   * Type of its value, where it is not text; `list` is one text with commas, `values` are those
   * that a name is given in a query string, whatever commas they hold.
   */
  readonly type?: 'number' | 'boolean' | 'list' | 'values' | 'json';
  /** Whether every such response carries it. */
  readonly required?: true;
}

type KeysOf<T> = T extends unknown ? keyof T & string : never;
