/**
 * What the two sides of a socket share: messages that wait to be taken, the connection there is,
 * and the end.
 */
export class Line<Received> {
  readonly #received: Received[] = [];
  readonly #over = new AbortController();
  #connection: WebSocket | undefined;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  /** Aborted when nothing is sent or received any more. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** How many messages wait to be taken. */
  get length(): number {
    return this.#received.length;
  }

  /** The connection that messages are sent over from now on. */
  use(connection: WebSocket | undefined): void {
    this.#connection = connection;
    this.wake();
  }

  /** Adds a message to those that wait. */
  put(message: Received): void {
    this.#received.push(message);
    this.wake();
  }

  /** Ends it: what waits is still taken, and then comes the error, if it is one. */
  end(failure?: { readonly error: unknown }, code = 1000, reason = ''): void {
    if (this.over.aborted) return;
    this.#failure = failure;
    this.#over.abort();
    this.#connection?.close(code, reason);
    this.wake();
  }

  /** The next message; nothing at the end. */
  async take(): Promise<Received | undefined> {
    for (;;) {
      const message = this.#received.shift();
      if (message === undefined && !this.over.aborted) await this.#change();
      else if (message === undefined && this.#failure !== undefined) throw this.#failure.error;
      else {
        this.wake();
        return message;
      }
    }
  }

  /** The open connection, once there is one; nothing at the end. */
  async open(): Promise<WebSocket | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.over.aborted) return undefined;
      // 1 is `WebSocket.OPEN`.
      if (this.#connection?.readyState === 1) return this.#connection;
      await this.#change();
    }
  }

  /** Waits until every message was taken, or for the end. */
  async drained(): Promise<void> {
    while (this.#received.length > 0 && !this.over.aborted) await this.#change();
  }

  /** Waits so long, or for the end. */
  async pause(ms: number): Promise<void> {
    if (this.over.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.over.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.over.addEventListener('abort', done);
    });
  }

  /** Has everyone look again who waits for a change. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
