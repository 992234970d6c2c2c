import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, type Dispatcher } from 'undici';
import { Fault, type FaultCode, type FaultOptions } from '../model/fault.ts';
import { checkUrl, guardedLookup, type EgressRules, type ResolveAll } from './egress.ts';
import { parseExactJson } from './exact-json.ts';
import { parseRetryAfter, type BudgetNews, type Lane, type Limiter } from './rate-limit.ts';
import { createScrubber } from './scrub.ts';

/** The one door to an app, bound to one connection: its origins, its rates, its secret's redaction. */
export interface HttpClient {
  /** Resolves with any answer that arrived whole, whatever its status; throws a `Fault` when none did. */
  send(request: HttpRequest): Promise<HttpAnswer>;
}

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'OPTIONS' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: string | Uint8Array;
  /** True when repeating the request cannot hurt (a read by POST); GET, HEAD and OPTIONS always are. */
  readonly safe?: boolean;
  /** Points this request costs, where the app counts in points. */
  readonly cost?: number;
  /** What the answer tells about the budget, beyond a 429. */
  readonly readBudget?: (answer: HttpAnswer) => BudgetNews;
  /** Milliseconds for the whole exchange; default the client's. */
  readonly deadline?: number;
  readonly maxBytes?: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Throws BAD_RESPONSE when the body is not UTF-8. */
  readonly text: () => string;
  /** The parsed body; numbers beyond a double's precision arrive as text. Throws BAD_RESPONSE. */
  readonly json: () => unknown;
  /**
   * The fault this answer stands for: by its status, unless the connector knows better. Says which request it
   * was, whether the write may have happened, how long to wait; secrets that the app echoed are taken out.
   */
  readonly fault: (message?: string, options?: FaultOptions & { readonly code?: FaultCode }) => Fault;
}

/** One exchange, for metrics. */
export interface Exchange {
  readonly lane: Lane;
  readonly method: string;
  readonly origin: string;
  /** The status, or the code of the fault when no answer arrived. */
  readonly outcome: number | FaultCode;
  /** Milliseconds from its turn until the answer, and for its turn before that. */
  readonly milliseconds: number;
  readonly waited: number;
  readonly bytes: number;
}

export interface HttpClientOptions {
  /** Nothing is ever sent anywhere else. */
  readonly origins: readonly string[];
  /** Taken out of every error text. */
  readonly secrets: readonly string[];
  readonly egress: EgressRules;
  readonly lane: Lane;
  readonly limiter: Pick<Limiter, 'acquire'>;
  readonly signal: AbortSignal;
  /** Milliseconds: the whole exchange; silence in it; opening a connection. */
  readonly deadline?: number;
  readonly idle?: number;
  readonly connectTimeout?: number;
  readonly maxBytes?: number;
  /** Certificates to trust besides the usual ones. Checking cannot be turned off. */
  readonly ca?: string;
  readonly onExchange?: (exchange: Exchange) => void;
  /** Crash tests stop the process here. */
  readonly failpoint?: (place: 'http.before_send' | 'http.after_answer') => void;
  readonly resolve?: ResolveAll;
}

const MAX_REDIRECTS = 3;
const unzip = promisify(gunzip);

export function createHttpClient(options: HttpClientOptions): HttpClient & { close(): Promise<void> } {
  const { deadline = 30_000, idle = 20_000, connectTimeout = 10_000, maxBytes = 64 * 1024 * 1024 } = options;
  const scrub = createScrubber(options.secrets);
  const agents = new Map(
    options.origins.map((text) => {
      const origin = new URL(text);
      const agent = new Agent({
        pipelining: 1,
        keepAliveTimeout: 10_000,
        headersTimeout: idle,
        bodyTimeout: idle,
        connect: {
          timeout: connectTimeout,
          lookup: guardedLookup(origin, options.egress, options.resolve),
          rejectUnauthorized: true,
          ...(options.ca === undefined ? {} : { ca: options.ca }),
        },
      });
      return [origin.origin, agent] as const;
    }),
  );

  const send = async (request: HttpRequest): Promise<HttpAnswer> => {
    const asked = performance.now();
    const permit = await options.limiter.acquire(options.lane, request.cost ?? 1, options.signal);
    const started = performance.now();
    let news: BudgetNews = {};
    let outcome: number | FaultCode = 'INTERNAL';
    let bytes = 0;
    try {
      const answer = await follow(request, new URL(request.url), 0);
      outcome = answer.status;
      bytes = answer.body.length;
      news = { ...throttling(answer), ...request.readBudget?.(answer) };
      return answer;
    } catch (error) {
      if (error instanceof Fault) outcome = error.facts.code;
      throw error;
    } finally {
      permit.settle(news);
      const milliseconds = performance.now() - started;
      const { origin } = new URL(request.url);
      options.onExchange?.({
        lane: options.lane,
        method: request.method,
        origin,
        outcome,
        milliseconds,
        waited: started - asked,
        bytes,
      });
    }
  };

  const follow = async (request: HttpRequest, url: URL, hops: number): Promise<HttpAnswer> => {
    const agent = agents.get(url.origin);
    if (agent === undefined) {
      throw new Fault(
        'EGRESS_BLOCKED',
        `A request to ${url.origin} was stopped: the connection is for ${[...agents.keys()].join(', ')}.`,
        {
          suggestion: 'If the app has moved, set base_url to its new address and give the secret again.',
        },
      );
    }
    checkUrl(url, options.egress);
    options.failpoint?.('http.before_send');
    const raw = await exchange(agent, request, url);
    options.failpoint?.('http.after_answer');
    const location = raw.headers['location'];
    if (raw.status >= 300 && raw.status < 400 && raw.status !== 304 && location !== undefined) {
      // A browser would turn a redirected POST into a GET; that is not the request that was asked for.
      if (!isSafe(request) && raw.status !== 307 && raw.status !== 308) return answerOf(request, url, raw);
      if (hops >= MAX_REDIRECTS) return answerOf(request, url, raw);
      return follow(request, redirected(url, location), hops + 1);
    }
    return answerOf(request, url, raw);
  };

  const exchange = async (agent: Agent, request: HttpRequest, url: URL): Promise<RawAnswer> => {
    const limit = request.maxBytes ?? maxBytes;
    const what = `${request.method} ${url.origin}${scrub(url.pathname)}`;
    const uncertain = (reached: boolean): boolean => reached && !isSafe(request);
    let reached = false;
    return new Promise<RawAnswer>((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined;
      let status = 0;
      let headers: Record<string, string> = {};
      let size = 0;
      const chunks: Buffer[] = [];
      let over = false;

      const finish = (settle: () => void): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        options.signal.removeEventListener('abort', stop);
        settle();
      };
      const give = (fault: Fault): void => {
        finish(() => {
          reject(fault);
        });
        controller?.abort(fault);
      };
      const stop = (): void => {
        give(
          new Fault(
            'CONNECTION_LOST',
            `${what} was stopped: Tideway is shutting down or lost the connection’s lease.`,
            { uncertain: uncertain(reached) },
          ),
        );
      };
      const total = request.deadline ?? deadline;
      const timer = setTimeout(() => {
        give(
          new Fault('TIMEOUT', `${what} was not answered within ${String(total / 1000)} s.`, {
            uncertain: uncertain(reached),
          }),
        );
      }, total);
      options.signal.addEventListener('abort', stop, { once: true });
      if (options.signal.aborted) return stop();

      agent.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method,
          headers: requestHeaders(request),
          body: requestBody(request),
        },
        {
          onRequestStart: (given) => {
            controller = given;
            // Nothing is written for a request that was given up while it waited for a socket.
            if (over) given.abort(new Error('given up'));
            else reached = true;
          },
          onResponseStart: (_controller, code, raw) => {
            if (code < 200) return;
            status = code;
            headers = Object.fromEntries(
              Object.entries(raw).map(([name, value]) => [
                name.toLowerCase(),
                Array.isArray(value) ? value.join(', ') : (value ?? ''),
              ]),
            );
          },
          onResponseData: (_controller, chunk) => {
            size += chunk.length;
            if (size > limit) return give(tooLarge(what, limit, uncertain(true)));
            chunks.push(chunk);
          },
          onResponseEnd: () => {
            decode(Buffer.concat(chunks), headers, limit).then(
              (body) => {
                finish(() => {
                  resolve({ status, headers, body });
                });
              },
              (error: unknown) => {
                give(
                  (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
                    ? tooLarge(what, limit, uncertain(true))
                    : new Fault('BAD_RESPONSE', `${what} answered with a body that cannot be unpacked.`, {
                        uncertain: uncertain(true),
                      }),
                );
              },
            );
          },
          onResponseError: (_controller, error) => {
            give(networkFault(error, what, reached, uncertain(reached), scrub));
          },
        },
      );
    });
  };

  const answerOf = (request: HttpRequest, url: URL, raw: RawAnswer): HttpAnswer => {
    const what = `${request.method} ${url.origin}${scrub(url.pathname)}`;
    const safe = isSafe(request);
    const fault: HttpAnswer['fault'] = (message, { code, ...rest } = {}) => {
      const found = code ?? codeOf(raw.status);
      const retryAfter = parseRetryAfter(raw.headers, Date.now());
      return new Fault(
        found,
        scrub(
          `${what} answered ${String(raw.status)}: ${message ?? REASONS[found] ?? 'refused'}.`.replace(/\.\.$/, '.'),
        ),
        {
          // A server that failed, or whose success cannot be read, may have done what it was asked.
          uncertain: !safe && (raw.status >= 500 || (raw.status < 300 && found === 'BAD_RESPONSE')),
          status: raw.status,
          ...(retryAfter === undefined ? {} : { retryAfter }),
          ...rest,
        },
      );
    };
    const text = (): string => {
      try {
        return new TextDecoder('utf-8', { fatal: true }).decode(raw.body);
      } catch {
        throw fault('the body is not UTF-8', { code: 'BAD_RESPONSE' });
      }
    };
    const json = (): unknown => {
      const body = text().trim();
      if (body === '') throw fault('the body is empty', { code: 'BAD_RESPONSE' });
      if (body.startsWith('<')) throw fault('a web page came instead of data', { code: 'BAD_RESPONSE' });
      try {
        return parseExactJson(body);
      } catch (error) {
        const why =
          error instanceof SyntaxError && error.message.startsWith('nested')
            ? error.message
            : 'it ends too early or is damaged';
        throw fault(`the body is not JSON: ${why}`, { code: 'BAD_RESPONSE' });
      }
    };
    return { status: raw.status, headers: raw.headers, body: raw.body, text, json, fault };
  };

  return {
    send,
    close: async () => {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}

interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

const REASONS: Partial<Record<FaultCode, string>> = {
  AUTH_EXPIRED: 'the secret is not accepted',
  PERMISSION_DENIED: 'the secret does not allow this',
  RATE_LIMITED: 'too many requests',
  PAYLOAD_TOO_LARGE: 'the request is too large',
  SERVER_ERROR: 'the app failed',
  REQUEST_REFUSED: 'the request was refused',
};

/** A 404 alone does not say what is missing: only a connector that read the app's own words says NOT_FOUND. */
function codeOf(status: number): FaultCode {
  if (status === 401) return 'AUTH_EXPIRED';
  if (status === 403) return 'PERMISSION_DENIED';
  if (status === 408 || status >= 500) return 'SERVER_ERROR';
  if (status === 409 || status === 412) return 'CONFLICT';
  if (status === 413) return 'PAYLOAD_TOO_LARGE';
  if (status === 429) return 'RATE_LIMITED';
  return status < 300 ? 'BAD_RESPONSE' : 'REQUEST_REFUSED';
}

/** Errors of opening a connection: nothing was sent. Everything else may have reached the app. */
function networkFault(
  error: Error,
  what: string,
  reached: boolean,
  uncertain: boolean,
  scrub: (text: string) => string,
): Fault {
  if (error instanceof Fault) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'ENODATA') {
    return new Fault('DNS_ERROR', `${what} could not be sent: the name of the host is not known (${code}).`);
  }
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH|ERR_OSSL)/.test(code)) {
    return new Fault('TLS_ERROR', `${what} could not be sent: the host’s certificate is not trusted (${code}).`, {
      suggestion: 'Install a valid certificate on the host; Tideway never skips this check.',
    });
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT') {
    return new Fault('TIMEOUT', `${what} heard nothing from the host for too long (${code}).`, { uncertain });
  }
  if (!reached) return new Fault('CONNECTION_FAILED', `${what} could not be sent (${code || scrub(error.message)}).`);
  return new Fault(
    'CONNECTION_LOST',
    `${what} lost its connection before the whole answer arrived (${code || scrub(error.message)}).`,
    { uncertain },
  );
}

function throttling(answer: HttpAnswer): BudgetNews {
  if (answer.status !== 429) return {};
  const retryAfter = parseRetryAfter(answer.headers, Date.now());
  return { throttled: retryAfter === undefined ? {} : { retryAfter } };
}

function redirected(from: URL, location: string): URL {
  try {
    return new URL(location, from);
  } catch {
    throw new Fault('BAD_RESPONSE', `${from.origin} redirects to something that is not an address.`);
  }
}

function isSafe(request: HttpRequest): boolean {
  return request.safe ?? (request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS');
}

function requestHeaders(request: HttpRequest): Record<string, string> {
  return {
    'user-agent': 'tideway',
    'accept-encoding': 'gzip',
    ...(request.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...request.headers,
  };
}

function requestBody(request: HttpRequest): string | Uint8Array | null {
  if (request.json !== undefined) return JSON.stringify(request.json);
  return request.body ?? null;
}

async function decode(body: Buffer, headers: Readonly<Record<string, string>>, limit: number): Promise<Uint8Array> {
  if (headers['content-encoding'] !== 'gzip' || body.length === 0) return body;
  return unzip(body, { maxOutputLength: limit });
}

function tooLarge(what: string, limit: number, uncertain: boolean): Fault {
  return new Fault('RESPONSE_TOO_LARGE', `${what} answered with more than ${String(limit)} bytes.`, {
    uncertain,
    suggestion: 'Read fewer records per page or fewer columns.',
  });
}
