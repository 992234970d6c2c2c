import type { Pool } from 'pg';
import { afterAll, afterEach, onTestFailed } from 'vitest';
import { startPlainApp, type PlainApp, type PlainAppOptions } from '../../apps/plain/plain-app.ts';
import type { JournalEntry, WriteCommand } from '../../apps/plain/plain-store.ts';
import { useDatabase } from '../../support/database.ts';
import { killDaemons, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { dropSlot } from '../../support/drop-slot.ts';
import { waitFor } from '../../support/wait-for.ts';

const ITEMS = {
  id: 'items',
  columns: [
    { id: 'ref', type: 'number' },
    { id: 'name', type: 'text' },
    { id: 'qty', type: 'number' },
  ],
} as const;

const TOKEN = 'plain-token';

interface StageOptions {
  readonly app?: Partial<PlainAppOptions>;
  readonly settings?: Record<string, unknown>;
  readonly mapping?: Record<string, unknown>;
  readonly name?: string;
  readonly table?: string;
  readonly direction?: 'pull' | 'push' | 'both';
}

export interface Stage {
  readonly app: PlainApp;
  readonly name: string;
  readonly table: string;
  /** Effects that the app accepted from Tideway. */
  readonly effects: () => readonly JournalEntry[];
  /** Records by their correlation column. */
  readonly record: (ref: number) => { name: unknown; qty: unknown; id: string } | undefined;
  /** Resolves once the app shows exactly these rows. */
  readonly shows: (
    rows: readonly (readonly [number, string | null, number | null])[],
    within?: number,
  ) => Promise<void>;
  /** Requests that wrote. */
  readonly writes: () => number;
  /** What a person does in the app; returns the record's id. */
  readonly edit: (command: WriteCommand) => string;
  /** Resolves once the table holds exactly these rows. */
  readonly holds: (
    rows: readonly (readonly [number, string | null, number | null])[],
    within?: number,
  ) => Promise<void>;
}

/**
 * A database of the file's own, tables mapped to stand-ins, and daemons that are gone after each test; or, for tests that
 * share one, after the file.
 */
export function useOutbound(
  db: Pick<ReturnType<typeof useDatabase>, 'name' | 'url' | 'pool'> = useDatabase(),
  { shared = false }: { shared?: boolean } = {},
) {
  const slot = `${db.name}_slot`;
  const apps: PlainApp[] = [];
  const daemons: RunningDaemon[] = [];

  let last = '';

  const clear = async (): Promise<void> => {
    await killDaemons();
    daemons.length = 0;
    await Promise.all(apps.splice(0).map((app) => app.stop()));
    await dropEverything(db.pool, slot);
  };
  if (shared) {
    afterAll(clear);
    afterEach(async ({ task }) => {
      if (task.result?.state !== 'fail') return;
      console.error(...daemons.map((daemon) => daemon.log()), await workings(db.pool));
    });
  } else {
    afterEach(async () => {
      last = await workings(db.pool);
      await clear();
    });
    afterAll(killDaemons);
  }

  const here = async (): Promise<string> => {
    const { rows } = await db.pool.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn');
    return rows[0]?.lsn ?? '';
  };

  return {
    ...db,
    slot,

    async daemon(env: Record<string, string> = {}): Promise<RunningDaemon> {
      const daemon = await startDaemon(db.url, { TIDEWAY_SLOT: slot, PLAIN_TOKEN: TOKEN, ...env });
      daemons.push(daemon);
      if (!shared) {
        onTestFailed(() => {
          console.error(daemon.log(), last);
        });
      }
      return daemon;
    },

    /** A table `id integer, name text, qty integer`, mapped and activated to an app of its own. */
    async stage(options: StageOptions = {}): Promise<Stage> {
      const { name = 'items', direction = 'push' } = options;
      const table = options.table ?? `public.${name}`;
      const app = await startPlainApp({ token: TOKEN, tables: [ITEMS], ...options.app });
      apps.push(app);
      await db.pool.query(`create table if not exists ${table} (id integer primary key, name text, qty integer)`);
      const { rows } = await db.pool.query(`select from tideway.systems where system = 'plain'`);
      if (rows.length === 0) {
        await db.pool.query(
          `insert into tideway.systems (system, title, settings_schema) values ('plain', 'Plain', '{}')`,
        );
      }
      await db.pool.query(`select tideway.connect($1, 'plain', $2, 'env:PLAIN_TOKEN')`, [
        name,
        { base_url: app.url, request_life: 300, ...options.settings },
      ]);
      await db.pool.query(
        `select tideway.map($1, $1, 'items', $2::regclass, $3::jsonb, direction => $4, options => $5)`,
        [
          name,
          table,
          JSON.stringify([
            { local: 'id', remote: 'ref', type: 'number' },
            { local: 'name', remote: 'name' },
            { local: 'qty', remote: 'qty', type: 'number' },
          ]),
          direction,
          { retry_base: '100 ms', retry_cap: '1 s', ...options.mapping },
        ],
      );
      await db.pool.query(`select tideway.activate($1)`, [name]);
      const stage: Stage = {
        app,
        name,
        table,
        effects: () => app.journal().filter(({ actor }) => actor === 'api'),
        record: (ref) => {
          const found = app.records('items').find(({ values }) => plain(values['ref']) === ref);
          return found && { name: plain(found.values['name']), qty: plain(found.values['qty']), id: found.id };
        },
        shows: async (wanted, within = 15_000) => {
          const text = JSON.stringify(wanted);
          await waitFor(
            () => {
              const shown = app
                .records('items')
                .map(({ values }) => [plain(values['ref']), plain(values['name']), plain(values['qty'])])
                .sort((a, b) => Number(a[0]) - Number(b[0]));
              if (JSON.stringify(shown) !== text)
                throw new Error(`The app shows ${JSON.stringify(shown)}, not ${text}`);
            },
            { within },
          );
        },
        edit: (command) => {
          const result = app.edit('items', command);
          if (!result.ok) throw new Error(result.refusal.message);
          return result.id;
        },
        holds: async (wanted, within = 15_000) => {
          const text = JSON.stringify(wanted);
          await waitFor(
            async () => {
              const { rows: there } = await db.pool.query<[number, string, number]>({
                text: `select id, name, qty from ${table} order by id`,
                rowMode: 'array',
              });
              if (JSON.stringify(there) !== text)
                throw new Error(`The table holds ${JSON.stringify(there)}, not ${text}`);
            },
            { within },
          );
        },
        writes: () => app.requests().filter((request) => request.endsWith('/write')).length,
      };
      return stage;
    },

    /** Resolves once nothing waits to be pushed, nothing is in flight and every write was seen, but where a person has to decide. */
    async settled(within = 20_000): Promise<void> {
      const lsn = await here();
      await waitFor(
        async () => {
          const { rows } = await db.pool.query<{ open: string }>(
            `
            select (select count(*) from tideway_private.outbox) || ' marks, ' || (select count(*) from tideway_private.in_flight)
                   || ' batches, ' || (select count(*) from tideway_private.waiting where reason in ('retry', 'dependency')) || ' retries, '
                   || (select count(*) from tideway_private.links l where l.sent is not null
                        and not exists (select from tideway.conflicts c where c.link_id = l.id and c.resolved_at is null)) || ' unseen, '
                   || (select count(*) from tideway_private.requests) || ' requests, ' || (select count(*) from tideway.mappings where state = 'pending')
                   || ' pending, ' || (select count(*) from tideway_private.positions where slot = $1 and lsn >= $2::pg_lsn) || ' followed' as open`,
            [slot, lsn],
          );
          const open = rows[0]?.open ?? '';
          if (open !== '0 marks, 0 batches, 0 retries, 0 unseen, 0 requests, 0 pending, 1 followed')
            throw new Error(`Still ${open}`);
        },
        { within },
      );
    },

    /** Resolves once the follower has stored everything that was committed before the call. */
    async followed(within = 20_000): Promise<void> {
      const lsn = await here();
      await waitFor(
        async () => {
          const { rows: stored } = await db.pool.query(
            `select from tideway_private.positions where slot = $1 and lsn >= $2::pg_lsn`,
            [slot, lsn],
          );
          return stored.length > 0;
        },
        { within },
      );
    },
  };
}

/** For a person who looks at a failed test. */
async function workings(pool: Pool): Promise<string> {
  const tables = [
    'outbox',
    'in_flight',
    'waiting',
    'links',
    'deletions',
    'requests',
    'rereads',
    'key_moves',
    'positions',
    'cursors',
    'due_reads',
  ];
  const found: Record<string, unknown> = {};
  for (const table of tables)
    found[table] = (await pool.query(`select to_jsonb(t) as row from tideway_private.${table} t limit 5`)).rows;
  found['errors'] = (await pool.query(`select local_key, code, message from tideway.sync_errors limit 5`)).rows;
  found['runs'] = (
    await pool.query(
      `select kind, status, trigger, rows_processed, report, timings from tideway.sync_runs order by started_at desc limit 8`,
    )
  ).rows;
  found['mappings'] = (await pool.query(`select name, state, paused_reason from tideway.mappings`)).rows;
  found['connections'] = (
    await pool.query(`select name, state, paused_reason, test_error from tideway.connections`)
  ).rows;
  return JSON.stringify(found, null, 1);
}

/** The app keeps exact numbers as their text. */
/** A value of the stand-in; numbers are kept as the text that came. */
export function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'number' in value ? Number(value.number) : value;
}

/** Every test of a file begins with an empty database and no slot. */
async function dropEverything(pool: Pool, slot: string): Promise<void> {
  // The server may still be carrying out what a killed daemon asked for last.
  await waitFor(async () => {
    const { rowCount } = await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'tideway/%' and backend_type = 'client backend'`);
    return rowCount === 0;
  });
  await dropSlot(pool, slot);
  await pool.query(`
    drop publication if exists tideway;
    truncate tideway_private.inbox, tideway_private.subscriptions, tideway_private.door, tideway_private.links, tideway_private.outbox, tideway_private.in_flight, tideway_private.waiting,
             tideway_private.key_moves, tideway_private.rereads, tideway_private.deletions, tideway_private.requests,
             tideway_private.positions, tideway_private.followed, tideway_private.seen_pages, tideway_private.leases, tideway.sync_errors, tideway.sync_runs,
             tideway.sync_progress, tideway.sync_activity_log, tideway.conflicts cascade;
    delete from tideway.sync_list;
    delete from tideway.mappings;
    delete from tideway.connections;
    do $$
    declare t regclass;
    begin
      for t in select c.oid::regclass from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition loop
        execute format('drop table if exists %s cascade', t);
      end loop;
    end $$;`);
}
