import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject } from 'vitest';
import { waitFor } from './wait-for.ts';

export type Role = 'tideway_owner' | 'tideway_daemon' | 'tideway_operator' | 'tideway_reader' | 'tideway_monitor';

/** Gives the calling test file its own copy of the migrated database. */
export function useDatabase() {
  const name = `tideway_test_${randomUUID().slice(0, 8)}`;
  const url = Object.assign(new URL(inject('serverUrl')), { pathname: name }).href;
  const pool = new pg.Pool({ connectionString: url, application_name: 'test/pool' });
  pool.on('error', () => {});
  const clients: pg.Client[] = [];

  beforeAll(() => onServer((server) => server.query(`create database ${name} template ${inject('templateName')}`)));
  afterAll(async () => {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
    if (process.env.TIDEWAY_TEST_COVERAGE !== undefined) await noteCoverage(pool, process.env.TIDEWAY_TEST_COVERAGE);
    await pool.end();
    try {
      await expectNothingLeft(name);
    } finally {
      await sweep(name);
    }
  });

  return {
    name,
    url,
    pool,

    /** Runs the test in a transaction and rolls it back. */
    rolledBack: async (test: (db: pg.PoolClient) => Promise<void>): Promise<void> => {
      const db = await pool.connect();
      try {
        await db.query('begin');
        await test(db);
      } finally {
        await db.query('rollback');
        db.release();
      }
    },

    /** A session of its own, closed after the file; with a role when asked. */
    client: async (role?: Role | (string & {})): Promise<pg.Client> => {
      const client = new pg.Client({ connectionString: url, application_name: 'test/client' });
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
      if (role) await client.query(`set role ${client.escapeIdentifier(role)}`);
      return client;
    },
  };
}

/** Which statements of our functions ran in this database, for scripts/coverage-sql.ts. */
async function noteCoverage(pool: pg.Pool, file: string): Promise<void> {
  const { rows } = await pool.query(
    `select p.oid::regprocedure::text as name, s.stmtid as statement, s.lineno as line, s.exec_stmts as times
       from pg_proc p
       join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
      cross join lateral plpgsql_profiler_function_statements_tb(p.oid) as s
      where p.pronamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)`,
  );
  appendFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** What a test file forgot would fail another one later; here it fails the one that forgot. */
async function expectNothingLeft(name: string): Promise<void> {
  await waitFor(
    () =>
      onServer(async (server) => {
        const { rows } = await server.query<{ leak: string }>(
          `select 'replication slot ' || slot_name as leak from pg_replication_slots where database = $1
           union all
           select 'prepared transaction ' || gid from pg_prepared_xacts where database = $1
           union all
           select 'advisory lock of process ' || l.pid from pg_locks as l join pg_database as d on d.oid = l.database
            where l.locktype = 'advisory' and d.datname = $1
           union all
           select 'connection ' || application_name || ': ' || left(query, 80) from pg_stat_activity
            where datname = $1 and backend_type in ('client backend', 'walsender')`,
          [name],
        );
        expect(rows.map(({ leak }) => leak)).toEqual([]);
      }),
    { within: 5_000 },
  );
}

async function sweep(name: string): Promise<void> {
  await onServer(async (server) => {
    await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [name]);
    await waitFor(
      () =>
        server.query(
          `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = $1 and not active`,
          [name],
        ),
      { within: 5_000 },
    );
    await server.query(`drop database if exists ${name} with (force)`);
  });
}

async function onServer<Result>(work: (server: pg.Client) => Promise<Result>): Promise<Result> {
  const server = new pg.Client({ connectionString: inject('serverUrl'), application_name: 'test/server' });
  await server.connect();
  try {
    return await work(server);
  } finally {
    await server.end();
  }
}
