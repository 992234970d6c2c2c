import { Problem } from './problem.ts';

const STATUS: Readonly<Record<string, number>> = {
  TWMAP: 404,
  TWCON: 404,
  TWERR: 404,
  TWLST: 404,
  TWCCH: 404,
  TWCFL: 409,
  TWSTA: 409,
  TWOPR: 403,
  TWROL: 403,
  TWORG: 403,
};

/** What the database says about a caller's own mistake is for the caller; anything else is not. */
export function asMistake(error: unknown): unknown {
  if (error instanceof Problem) return error;
  const { code, hint } = error as { code?: string; hint?: string };
  if (!(error instanceof Error) || code === undefined) return error;
  const more = { cause: error, ...(hint === undefined ? {} : { mend: hint }) };
  if (code.startsWith('TW')) return new Problem(STATUS[code] ?? 400, code, error.message, more);
  if (code === '42501') {
    return new Problem(403, 'PERMISSION_DENIED', 'The role of this caller may not do this.', {
      cause: error,
      mend: 'Grant tideway_reader to those who look, and tideway_operator to those who operate.',
    });
  }
  // A NUL is text in JSON and in an address, but not in Postgres.
  if (code === '22021' || code === '22P05') {
    return new Problem(400, 'INVALID_VALUE', 'A text holds a character that the database cannot keep.', {
      cause: error,
      mend: 'Leave out NUL characters and halves of surrogate pairs.',
    });
  }
  if (code === '57014' || code === '55P03') {
    return new Problem(503, 'DATABASE_ERROR', 'The database took too long.', {
      cause: error,
      mend: 'Try again later.',
      retryAfter: 5,
    });
  }
  return error;
}
