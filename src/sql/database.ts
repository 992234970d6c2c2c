import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { messageOf, TidewayError } from '../runtime/errors.ts';

type Value = string | number | boolean | null | Date | Uint8Array | readonly (string | number)[];

/** Statements on one connection. */
export interface Session {
  <Rows extends readonly object[] = Record<string, unknown>[]>(
    strings: TemplateStringsArray,
    ...values: readonly Value[]
  ): Promise<Rows>;
  /** A text that was put together, or several statements: what comes from outside must be quoted in it. */
  unsafe<Rows extends readonly object[] = Record<string, unknown>[]>(
    text: string,
    values?: readonly Value[],
  ): Promise<Rows>;
}

/** The pool that every typed call goes through; each statement takes a connection that is free. */
export interface Database extends Session {
  /** One transaction. */
  begin<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /** Statements that need the same connection. */
  reserve<Result>(work: (session: Session) => Promise<Result>): Promise<Result>;
  /** A connection beside the pool, whose owner ends it. */
  connectApart(): Promise<pg.Client>;
  /** Seconds after which what is under way loses its connection; without it, what is under way ends first. */
  end(options?: { readonly timeout?: number }): Promise<void>;
}

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

const SESSION_SETTINGS = [
  'default_transaction_isolation=read\\ committed',
  'timezone=UTC',
  'datestyle=ISO',
  'intervalstyle=postgres',
  'extra_float_digits=1',
  'bytea_output=hex',
  // Before 18 a plan that has to read a table whole, against enable_seqscan, looks so dear that it is compiled each time.
  'jit=off',
];
const CONNECT_WITHIN = 10_000;
/** Seconds: a session that lives for ever keeps what its caches grew to. */
const LIFE = 2_700;

const [INTERVAL, NAMES, XIDS, LSNS, TEXTS] = [1186, 1003, 271, 3221, 1009];
const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') => {
    if (oid === INTERVAL) return (text: string) => text;
    return pg.types.getTypeParser([NAMES, XIDS, LSNS].includes(oid) ? TEXTS : oid, format) as (text: string) => unknown;
  },
};

/** In the pool's settings the time would also limit how long a statement waits for its turn. */
class Connection extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super({ ...config, connectionTimeoutMillis: CONNECT_WITHIN });
    // Without a listener a connection that is lost between two statements would end the process.
    this.on('error', () => undefined);
  }
}

/** The address as the driver must be given it, so that sslmode means what it means to psql. */
export function driverAddress(url: string): string {
  if (!URL.canParse(url)) return url;
  const address = new URL(url);
  const mode = address.searchParams.get('sslmode');
  if (mode === null) return url;
  if (mode === 'allow') address.searchParams.delete('sslmode');
  else address.searchParams.set('uselibpqcompat', 'true');
  return address.href;
}

export function connectionTo(url: string): pg.ClientConfig {
  if (!URL.canParse(url)) return { connectionString: url };
  const address = new URL(driverAddress(url));
  const options = address.searchParams.get('options') ?? undefined;
  // In the address they would take the place of ours.
  for (const name of ['options', 'application_name']) address.searchParams.delete(name);
  return { connectionString: address.href, options };
}

export function openDatabase({ url, part, role, connections = 5, pooled = false }: Options): Database {
  const { connectionString, options = '' } = connectionTo(url);
  const settings = [...(pooled ? [] : SESSION_SETTINGS), ...(role === undefined ? [] : [`role=${role}`])];
  const config = {
    connectionString,
    application_name: `tideway/${part}`,
    options: [options, ...settings.map((setting) => `-c ${setting}`)].join(' ').trim(),
    keepAlive: true,
    keepAliveInitialDelayMillis: 60_000,
    types,
  };
  const pool = new pg.Pool({
    ...config,
    max: connections,
    idleTimeoutMillis: 0,
    maxLifetimeSeconds: LIFE,
    Client: Connection,
  });
  // An idle connection that is lost leaves the pool; the next statement gets a new one.
  pool.on('error', () => undefined);
  const open = new Set<pg.PoolClient>();
  pool.on('connect', (client) => open.add(client)).on('remove', (client) => open.delete(client));
  // A pool that ends forgets who waits for a connection.
  const waiting = new Set<() => void>();
  let ended: Promise<void> | undefined;

  const acquire = async (): Promise<pg.PoolClient> => {
    if (ended !== undefined) throw connectionEnded();
    const coming = pool.connect();
    let refuse = (): void => undefined;
    const refused = new Promise<never>((_, reject) => {
      refuse = () => reject(connectionEnded());
      waiting.add(refuse);
    });
    try {
      return await Promise.race([coming, refused]);
    } catch (error) {
      coming.then((client) => client.release(true)).catch(() => undefined);
      throw asFault(error);
    } finally {
      waiting.delete(refuse);
    }
  };

  const sessionOn = (query: Query): Session =>
    Object.assign(
      async <Rows>(strings: TemplateStringsArray, ...values: readonly Value[]) =>
        query<Rows>({ ...statementOf(strings, pooled), values: [...values] }),
      {
        unsafe: async <Rows>(text: string, values?: readonly Value[]) =>
          query<Rows>(values === undefined ? { text } : { text, values: [...values] }),
      },
    );

  const held = async <Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> => {
    const client = await acquire();
    let spoilt = false;
    try {
      return await work(client);
    } catch (error) {
      spoilt = isStale(error);
      throw error;
    } finally {
      client.release(spoilt);
    }
  };

  const alone: Query = async <Rows>(statement: Statement) => {
    for (let stale = 0; ; stale += 1) {
      try {
        return await held((client) => ask<Rows>(client, statement));
      } catch (error) {
        // Nothing was done: what the connection had prepared no longer fits the catalogue. The others may know no better.
        if (!isStale(error) || stale === connections) throw error;
      }
    }
  };

  return Object.assign(sessionOn(alone), {
    begin: <Result>(work: (session: Session) => Promise<Result>) =>
      held(async (client) => {
        await ask(client, { text: 'begin' });
        try {
          const result = await work(sessionOn((statement) => ask(client, statement)));
          await ask(client, { text: 'commit' });
          return result;
        } catch (error) {
          // Where the connection is lost, the server rolls back by itself.
          await ask(client, { text: 'rollback' }).catch(() => undefined);
          throw error;
        }
      }),
    reserve: <Result>(work: (session: Session) => Promise<Result>) =>
      held((client) => work(sessionOn((statement) => ask(client, statement)))),
    connectApart: async () => {
      const client = new Connection(config);
      await client.connect().catch((error: unknown) => {
        throw asFault(error);
      });
      return client;
    },
    end: async ({ timeout }: { readonly timeout?: number } = {}) => {
      ended ??= pool.end();
      for (const refuse of waiting) refuse();
      if (timeout === undefined) return ended;
      const over = new AbortController();
      const late = pause(timeout * 1000, undefined, { signal: over.signal })
        .then(() => {
          for (const client of open) client.connection.stream.destroy();
        })
        .catch(() => undefined);
      await Promise.race([ended, late]);
      over.abort();
    },
  });
}

interface Statement {
  readonly text: string;
  readonly name?: string;
  readonly values?: Value[];
}

type Query = <Rows>(statement: Statement) => Promise<Rows>;

async function ask<Rows>(client: pg.PoolClient, statement: Statement): Promise<Rows> {
  try {
    const result = await client.query(statement);
    const last = Array.isArray(result) ? (result as pg.QueryResult[]).at(-1) : result;
    return (last?.rows ?? []) as Rows;
  } catch (error) {
    throw asFault(error);
  }
}

const statements = new WeakMap<TemplateStringsArray, { readonly text: string; readonly name: string }>();
let count = 0;

/** A template is prepared once per connection under a name of its own; a pooler would not know the name again. */
function statementOf(strings: TemplateStringsArray, pooled: boolean): Omit<Statement, 'values'> {
  let known = statements.get(strings);
  if (known === undefined) {
    count += 1;
    known = {
      text: strings.reduce((text, part, at) => `${text}$${String(at)}${part}`),
      name: `tideway_${String(count)}`,
    };
    statements.set(strings, known);
  }
  return pooled ? { text: known.text } : known;
}

/** The driver gives a lost connection no code of its own. */
function asFault(error: unknown): unknown {
  if (!(error instanceof Error) || 'code' in error) return error;
  if (/timeout expired|due to connection timeout/.test(error.message)) {
    return Object.assign(error, { code: 'CONNECT_TIMEOUT' });
  }
  return /^(Connection terminated|Client (has encountered|was closed))/.test(error.message)
    ? Object.assign(error, { code: 'CONNECTION_CLOSED' })
    : error;
}

function connectionEnded(): Error {
  return Object.assign(new Error('The connections to the database were closed.'), { code: 'CONNECTION_ENDED' });
}

/** A prepared statement whose result has another shape since, or that the session has forgotten. */
function isStale(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError &&
    (error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery'))
  );
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
  if (code === '42501') {
    const { hint } = error as { hint?: string };
    return new TidewayError('TWC04', `The database refused it: ${messageOf(error)}`, {
      where,
      mend:
        hint ??
        'Set DATABASE_URL to a login that may: the administrator for migrate and uninstall, a member of tideway_daemon ' +
          'for the daemon, of tideway_operator or tideway_reader for the rest.',
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
