import { DecodeError } from './error.js';

/** How pages are fetched and taken apart. */
export interface Walk<Request, Response, Item, Cursor> {
  readonly items: (response: Response) => readonly Item[];
  readonly next: (response: Response) => Cursor | null | undefined;
  readonly resume: (request: Request, cursor: Cursor) => Request;
  readonly send: (request: Request) => Promise<Response>;
}

/**
 * A call that answers in pages. Awaiting it gives the response it asks for; iterating over it gives
 * the items of that page and of all that follow. Nothing is sent before one of them happens.
 */
export class Listing<Response, Item> implements PromiseLike<Response>, AsyncIterable<Item> {
  readonly #first: () => Promise<Response>;
  readonly #pages: () => AsyncGenerator<readonly Item[], void, undefined>;

  private constructor(
    first: () => Promise<Response>,
    pages: () => AsyncGenerator<readonly Item[], void, undefined>,
  ) {
    this.#first = first;
    this.#pages = pages;
  }

  /** A listing that starts with this request. */
  static of<Request, Response, Item, Cursor>(
    walk: Walk<Request, Response, Item, Cursor>,
    request: Request,
  ): Listing<Response, Item> {
    return new Listing(
      () => walk.send(request),
      () => pages(walk, request),
    );
  }

  /** Sends the request, for `await`. */
  then<Fulfilled = Response, Rejected = never>(
    fulfilled?: ((response: Response) => Fulfilled | PromiseLike<Fulfilled>) | null,
    rejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    return this.#first().then(fulfilled, rejected);
  }

  /** The items of all pages, in order. */
  async *items(): AsyncGenerator<Item, void, undefined> {
    for await (const page of this.#pages()) yield* page;
  }

  /** The pages, each the items of one response. A page is fetched when it is asked for. */
  pages(): AsyncGenerator<readonly Item[], void, undefined> {
    return this.#pages();
  }

  [Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    return this.items();
  }
}

async function* pages<Request, Response, Item, Cursor>(
  walk: Walk<Request, Response, Item, Cursor>,
  request: Request,
): AsyncGenerator<readonly Item[], void, undefined> {
  for (let asked: Cursor | undefined; ; ) {
    const response = await walk.send(request);
    const given = walk.next(response) ?? undefined;
    // Some servers spell the end as an empty text.
    const next = typeof given === 'string' && given === '' ? undefined : given;
    if (next !== undefined && next === asked) {
      throw new DecodeError('the server repeats the cursor of a page');
    }
    yield walk.items(response);
    if (next === undefined) return;
    asked = next;
    request = walk.resume(request, next);
  }
}
