import { DatabaseError } from 'pg';

/** Whether a connection's work cannot go on: its lease is over, or the database is out of reach. */
export function isOver(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code === 'TWLSE' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57)/.test(code);
}

/** Whether an error came from Postgres or from the way there, and not from an app. */
export function isDatabaseError(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error instanceof DatabaseError || CONNECTION_CODES.test((error as { code?: string }).code ?? ''))
  );
}

/**
 * Whether the server could not do its part for now (no room, no memory, no writes, or the one behind a foreign table is
 * away) although the session stands. Without a free connection there is none.
 */
export function isServerTrouble(error: unknown): error is Error & { readonly hint?: string } {
  const code = (error as { code?: string }).code ?? '';
  return isDatabaseError(error) && code !== '53300' && /^(08|53|58|25006$)/.test(code);
}

/** What the driver calls a connection that is gone or cannot be made. */
const CONNECTION_CODES = /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|EPIPE|ETIMEDOUT)/;
