/** The one door to an app, bound to one connection: its origins, its rates, its secret's redaction. */
export interface HttpClient {
  /** Resolves with any answer that arrived whole, whatever its status; throws a `Fault` when none did. */
  send(request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  /** True when repeating the request cannot hurt (a read by POST); GET and HEAD always are. */
  readonly safe?: boolean;
  /** Points this request costs, where the app counts in points. */
  readonly cost?: number;
  /** Milliseconds for the whole exchange; default the client's. */
  readonly deadline?: number;
  readonly maxBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly text: () => string;
  /** The parsed body; numbers beyond a double's precision arrive as text. Throws BAD_RESPONSE. */
  readonly json: () => unknown;
}
