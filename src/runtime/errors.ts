/** A mistake or fault that a person can mend: what happened, where, and what to do. */
export class TidewayError extends Error {
  override readonly name = 'TidewayError';
  readonly code: string;
  readonly where: string | undefined;
  readonly mend: string | undefined;

  constructor(code: string, what: string, more: { where?: string; mend?: string; cause?: unknown } = {}) {
    super(what, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.where = more.where;
    this.mend = more.mend;
  }

  /** The text for a terminal. */
  explain(): string {
    const lines = [`${this.code}: ${this.message}`];
    if (this.where) lines.push(`  where: ${this.where}`);
    if (this.mend) lines.push(`  mend:  ${this.mend}`);
    return lines.join('\n');
  }
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
