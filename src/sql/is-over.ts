/** Whether a connection's work cannot go on: its lease is over, or the database is out of reach. */
export function isOver(error: unknown): boolean {
  const code = (error as { code?: string }).code ?? '';
  return code === 'TWLSE' || !/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57)/.test(code);
}

/** Whether an error came from Postgres or from the way there, and not from an app. */
export function isDatabaseError(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'PostgresError' || CONNECTION_CODES.test((error as { code?: string }).code ?? ''))
  );
}

/** What the driver calls a connection that is gone or cannot be made. */
const CONNECTION_CODES = /^(CONNECTION_|CONNECT_TIMEOUT|ECONN|ENOTFOUND|EPIPE|ETIMEDOUT)/;
