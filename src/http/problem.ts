/** What a caller can act on: it becomes the answer, and nothing else of an error does. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly mend: string | undefined;
  readonly where: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    what: string,
    more: { mend?: string; where?: string; retryAfter?: number; cause?: unknown } = {},
  ) {
    super(what, more.cause === undefined ? undefined : { cause: more.cause });
    this.status = status;
    this.code = code;
    this.mend = more.mend;
    this.where = more.where;
    this.retryAfter = more.retryAfter;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Too slow',
  409: 'Conflict',
  413: 'Too large',
  415: 'Unknown content type',
  429: 'Too many requests',
  503: 'Not available',
};

/** The body of every answer that is an error (RFC 9457). */
export interface ProblemBody {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly where?: string;
  readonly mend?: string;
  readonly request_id: string;
}

export function problemBody(problem: Problem, requestId: string): ProblemBody {
  return {
    type: 'about:blank',
    title: TITLES[problem.status] ?? 'Internal error',
    status: problem.status,
    detail: problem.message,
    code: problem.code,
    ...(problem.where === undefined ? {} : { where: problem.where }),
    ...(problem.mend === undefined ? {} : { mend: problem.mend }),
    request_id: requestId,
  };
}

/** Errors of the framework are the caller's; anything else is ours and tells nothing but its request id. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 && error instanceof Error) {
    const known = statusCode === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST';
    return new Problem(statusCode, known, error.message, { cause: error });
  }
  if (isUnreachable(code)) {
    return new Problem(503, 'DATABASE_ERROR', 'The database does not answer at the moment.', {
      mend: 'Try again in a few seconds.',
      retryAfter: 5,
      cause: error,
    });
  }
  return new Problem(500, 'INTERNAL', 'Tideway failed to answer.', {
    mend: 'Look for the request id in the log of the daemon.',
    cause: error,
  });
}

function isUnreachable(code: unknown): boolean {
  return (
    typeof code === 'string' &&
    (/^(08|53|57P)/.test(code) || code.startsWith('CONNECTION_') || ['ECONNREFUSED', 'CONNECT_TIMEOUT'].includes(code))
  );
}
