import postgres from 'postgres';
import { messageOf, TidewayError } from '../runtime/errors.ts';

export type Database = postgres.Sql;

interface Options {
  url: string;
  /** What pg_stat_activity shows after `tideway/`. */
  part: string;
  /** Taken on by every connection of the pool; the daemon runs as tideway_daemon. */
  role?: 'tideway_daemon';
  connections?: number;
  /** Sets nothing for the session, so that a pooler which hands sessions around lets it pass. */
  pooled?: boolean;
}

const sessionSettings = {
  default_transaction_isolation: 'read committed' as const,
  timezone: 'UTC',
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '1',
  bytea_output: 'hex',
};

/** The pool that every typed call goes through. */
export function openDatabase({ url, part, role, connections = 5, pooled = false }: Options): Database {
  return postgres(url, {
    max: connections,
    connect_timeout: 10,
    onnotice: () => {},
    prepare: !pooled,
    connection: {
      application_name: `tideway/${part}`,
      ...(pooled ? {} : sessionSettings),
      ...(role ? { role } : {}),
    },
  });
}

const unreachable = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'CONNECT_TIMEOUT', 'EAI_AGAIN', 'ECONNRESET', 'EPIPE'],
  ...['EHOSTUNREACH', 'ENETUNREACH', 'CONNECTION_CLOSED', 'CONNECTION_DESTROYED'],
  // Starting or shutting down, and no connection left.
  ...['57P01', '57P02', '57P03', '53300'],
]);

/** Says in words why a server could not be reached; other faults pass unchanged. */
export function connectionFault(error: unknown, url: string): unknown {
  const code = (error as { code?: string }).code ?? '';
  const where = describeUrl(url);
  if (unreachable.has(code)) {
    return new TidewayError('TWC01', `The database does not answer: ${messageOf(error)}`, {
      where,
      mend: 'Start the server, or set DATABASE_URL to the one that runs.',
    });
  }
  if (code.startsWith('28') || code === '3D000') {
    return new TidewayError('TWC02', `The database refuses the login: ${messageOf(error)}`, {
      where,
      mend: 'Correct user, password and database name in DATABASE_URL.',
    });
  }
  if (code === '08P01' && messageOf(error).includes('startup parameter')) {
    return new TidewayError('TWC05', `A pooler stands before the database: ${messageOf(error)}`, {
      where,
      mend: 'Set DATABASE_URL to the direct address of the server; applications may go on using the pooler.',
    });
  }
  return error;
}

/** The address without what is secret in it. */
export function describeUrl(url: string): string {
  try {
    const { username, host, pathname } = new URL(url);
    return `${username ? `${username}@` : ''}${host}${pathname}`;
  } catch {
    return 'DATABASE_URL';
  }
}
