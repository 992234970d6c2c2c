import type { Client, ClientBase } from 'pg';
import type { useDatabase } from './database.ts';
import { waitFor } from './wait-for.ts';

type Database = ReturnType<typeof useDatabase>;
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Fields = Record<string, Json>;

/** A record as a connector hands it over; a text goes into the page as it is. */
export interface AppRecord {
  readonly id?: string | null;
  readonly fields?: Fields;
  readonly position?: number;
  readonly modified?: string;
  readonly version?: string;
  readonly deleted?: boolean;
}

interface Column {
  readonly local: string;
  readonly remote?: string;
  readonly type?: string;
  readonly in?: string;
  readonly out?: string;
  readonly authority?: 'source_of_truth' | 'reference' | 'derived';
  readonly priority?: number;
  readonly conflict?: string;
  readonly direction?: 'pull' | 'push' | 'both';
}

interface Wanted {
  /** What stands between the brackets of `create table`. */
  readonly table: string;
  /** Left out: every column of the table, with a remote name that begins with a capital letter. */
  readonly columns?: readonly (Column | string)[];
  readonly direction?: 'pull' | 'push' | 'both';
  readonly key?: readonly string[];
  readonly options?: Fields;
  readonly name?: string;
  /** Another mapping's table. */
  readonly of?: string;
  readonly remoteTable?: string;
  /** Left out: one of its own. */
  readonly connection?: string;
  /** Run after the table was made, as its owner; {table} stands for its name. */
  readonly prepare?: string;
  /** Creates need not wait for a first complete read. */
  readonly read?: boolean;
}

export interface PageResult {
  readonly stopped?: { readonly code: string; readonly message: string };
  readonly again?: string;
  readonly read: number;
  readonly unchanged: number;
  readonly candidates: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  readonly failed: number;
  readonly held: number;
  readonly conflicts: number;
  readonly deferred: number;
  readonly changes?: Fields[];
}

export interface PushItem {
  readonly ord: number;
  readonly op: 'create' | 'update' | 'delete' | 'lookup';
  readonly link_id: string;
  readonly local_key: string;
  readonly remote_id: string | null;
  readonly payload: Fields;
  readonly expected: Fields | null;
  readonly correlation: Fields | null;
  readonly idempotency_key: string;
  readonly attempt: number;
  readonly version: string | null;
}

export interface Outcome {
  readonly result: 'written' | 'refused' | 'retry' | 'uncertain' | 'not_found' | 'conflict' | 'found' | 'missing';
  readonly remote_id?: string;
  readonly shown?: Fields;
  readonly version?: string;
  readonly class?: string;
  readonly code?: string;
  readonly message?: string;
  readonly column?: string;
  readonly retry_after_ms?: number;
  readonly harmed?: readonly {
    readonly remote_id: string;
    readonly class: string;
    readonly code: string;
    readonly message: string;
    readonly column?: string;
  }[];
}

export interface Asked {
  readonly asked: string;
  readonly asked_at: string;
}

interface PageOptions {
  /** When the app was asked; left out: just now. */
  readonly asked?: Asked;
  readonly run?: string;
  readonly cursor?: Json;
  readonly complete?: boolean;
  readonly on?: ClientBase;
}

export interface Link {
  readonly id: string;
  readonly local_key: string | null;
  readonly remote_id: string | null;
  readonly lane: number;
  readonly local_image: Fields;
  readonly remote_diff: Fields;
  readonly sent: Fields | null;
  readonly sent_local: Fields | null;
  readonly sent_before: Fields | null;
  readonly sent_op: string | null;
  readonly resent: number;
  readonly version: string | null;
  readonly local_gone: boolean;
  readonly remote_gone: boolean;
  readonly dormant: boolean;
}

/** The role that owns the mapped tables; made once a server. */
const OWNER = 'tideway_test_owner';
let tables = 0;

export type Engine = Awaited<ReturnType<typeof useEngine>>;
export type Mapping = Awaited<ReturnType<Engine['aMapping']>>;

/** Drives the SQL engine as a daemon would: one call a transaction, under a lease. */
export async function useEngine(database: Database) {
  const { pool } = database;
  await pool.query(`do $$ begin create role ${OWNER} nologin;
    exception when duplicate_object or unique_violation then null; end $$`);
  await pool.query(`create schema if not exists shop authorization ${OWNER}`);
  const daemon = await database.client('tideway_daemon');
  const owner = await database.client(OWNER);
  const watcher = await database.client();

  const one = async <Row>(sql: string, values: readonly unknown[] = [], on: ClientBase = daemon): Promise<Row> => {
    const { rows } = await on.query(sql, [...values]);
    return rows[0] as Row;
  };
  const all = async <Row = Fields>(sql: string, values: readonly unknown[] = [], on: ClientBase = daemon) =>
    (await on.query(sql, [...values])).rows as Row[];

  const connect = async (name: string): Promise<number> => {
    await pool.query(`select tideway.connect($1, 'shopify', '{}')`, [name]);
    const { number } = await one<{ number: number }>(`select number from tideway.connections where name = $1`, [name]);
    return number;
  };

  const takeLease = async (connection: number, as = 'first', lasts = '1 hour'): Promise<string | null> =>
    (
      await one<{ epoch: string | null }>(`select tideway_private.take_lease($1, $2, $3::interval) as epoch`, [
        connection,
        as,
        lasts,
      ])
    ).epoch;

  const ask = (): Promise<Asked> => one<Asked>(`select asked, asked_at::text from tideway_private.ask_moment()`);

  async function aMapping(wanted: Wanted) {
    tables += 1;
    const name = wanted.name ?? `m${String(tables)}`;
    const table = wanted.of ?? `shop.t${String(tables)}`;
    const direction = wanted.direction ?? 'both';
    const account = wanted.connection ?? `account of ${name}`;
    if (wanted.of === undefined) await owner.query(`create table ${table} (${wanted.table})`);
    if (wanted.prepare) await owner.query(wanted.prepare.replaceAll('{table}', table));
    const { oid } = await one<{ oid: number }>(`select $1::regclass::oid as oid`, [table], owner);
    oids.set(table, oid);
    const locals = await all<{ name: string }>(
      `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
      [table],
      owner,
    );
    const columns = (wanted.columns ?? locals.map((column) => column.name)).map((column) => {
      const given: Column = typeof column === 'string' ? { local: column } : column;
      return { remote: given.local.charAt(0).toUpperCase() + given.local.slice(1), ...given };
    });
    const connection = await connect(account);
    await pool.query(`select tideway.map($1, $2, $3, $4, $5::jsonb, $6, $7, $8::jsonb)`, [
      name,
      account,
      wanted.remoteTable ?? `Remote ${name}`,
      table,
      JSON.stringify(columns),
      wanted.key ?? null,
      direction,
      JSON.stringify(wanted.options ?? {}),
    ]);
    await pool.query(`select tideway.activate($1)`, [name]);
    const { number, id } = await one<{ number: number; id: string }>(
      `update tideway.mappings set state = 'active', first_read_at = case when $2 then now() end where name = $1 returning number, id`,
      [name, wanted.read ?? true],
    );
    let epoch = (await takeLease(connection)) ?? '0';

    const aRun = async (kind = 'pull', values: Fields = {}): Promise<string> =>
      (
        await one<{ id: string }>(
          `insert into tideway.sync_runs (org_id, connection_id, mapping_id, kind, dry_run, row_limit, force_overwrite)
           select org_id, connection_id, id, $2, coalesce(($3::jsonb ->> 'dry_run')::boolean, false), ($3::jsonb ->> 'row_limit')::integer,
                  coalesce(($3::jsonb ->> 'force_overwrite')::boolean, false)
             from tideway.mappings where number = $1 returning id`,
          [number, kind, JSON.stringify(values)],
        )
      ).id;
    const usual = await aRun();

    const claim = async (options: { rows?: number; lanes?: number; on?: ClientBase; epoch?: string } = {}) =>
      (
        await one<{ batch: string | null }>(
          `select tideway_private.claim_push($1, $2, $3, $4) as batch`,
          [number, options.epoch ?? epoch, options.rows ?? 500, options.lanes ?? 65535],
          options.on,
        )
      ).batch;
    const prepare = (
      batch: string,
      options: { life?: string; visibleAfter?: string; compares?: boolean; on?: ClientBase; epoch?: string } = {},
    ) =>
      all<PushItem>(
        `select * from tideway_private.prepare_push($1, $2, $3::interval, $4::interval, $5)`,
        [batch, options.epoch ?? epoch, options.life ?? '60 s', options.visibleAfter ?? '0', options.compares ?? false],
        options.on,
      );
    const complete = async (
      batch: string,
      outcomes: readonly (Outcome & { link_id: string })[],
      options: { visibleAfter?: string; trust?: boolean; on?: ClientBase; epoch?: string } = {},
    ) =>
      (
        await one<{ result: { late?: boolean; written?: number; failed?: number } }>(
          `select tideway_private.complete_push($1, $2, $3::jsonb, $4::interval, $5) as result`,
          [
            batch,
            options.epoch ?? epoch,
            JSON.stringify(outcomes),
            options.visibleAfter ?? '0',
            options.trust ?? false,
          ],
          options.on,
        )
      ).result;

    return {
      name,
      table,
      number,
      id,
      connection,
      aRun,
      claim,
      prepare,
      complete,
      usual,
      get epoch() {
        return epoch;
      },
      /** Another daemon takes the connection over: the epoch of this driver changes with it. */
      async takeOver(as: string): Promise<{ before: string; now: string }> {
        const before = epoch;
        await daemon.query(`update tideway_private.leases set expires_at = now() where connection = $1`, [connection]);
        epoch = (await takeLease(connection, as)) ?? '0';
        await daemon.query(`select tideway_private.return_batches($1, $2)`, [connection, epoch]);
        return { before, now: epoch };
      },

      async page(records: readonly (AppRecord | string)[], options: PageOptions = {}): Promise<PageResult> {
        const asked = options.asked ?? (await ask());
        const lines = records.map((record) => (typeof record === 'string' ? record : JSON.stringify(record)));
        const { result } = await one<{ result: PageResult }>(
          `select tideway_private.apply_page($1, $2, $3, $4, $5::timestamptz, $6, $7::jsonb, $8) as result`,
          [
            number,
            options.run ?? usual,
            epoch,
            asked.asked,
            asked.asked_at,
            lines.join('\n'),
            options.cursor === undefined ? null : JSON.stringify(options.cursor),
            options.complete ?? false,
          ],
          options.on,
        );
        return result;
      },
      async deleteRecords(ids: readonly string[], options: { asked?: Asked; run?: string } = {}) {
        const asked = options.asked ?? (await ask());
        return (
          await one<{ result: { done: number; held: number } }>(
            `select tideway_private.apply_deletions($1, $2, $3, $4, $5) as result`,
            [number, options.run ?? usual, epoch, asked.asked, ids],
          )
        ).result;
      },

      /** Marks rows as the follower does, at the given transaction. */
      async mark(keys: readonly string[], options: { op?: number; xid?: string } = {}): Promise<void> {
        await follow({
          changes: keys.map((key) => ({ table, key, op: options.op ?? 1, xid: options.xid ?? null })),
        });
      },
      async move(pairs: readonly (readonly [string, string])[], xid: string | null = null): Promise<void> {
        await follow({ moves: pairs.map(([from, to]) => ({ table, from, to, xid })) });
      },
      /** Claims, prepares, and answers each item; returns what was to be sent. */
      async push(
        answer: (item: PushItem) => Outcome | null = (item) => ({
          result: 'written',
          remote_id: item.remote_id ?? `r${item.local_key}`,
          shown: item.payload,
        }),
        options: { visibleAfter?: string; trust?: boolean; compares?: boolean } = {},
      ): Promise<PushItem[]> {
        const batch = await claim();
        if (batch === null) return [];
        const items = await prepare(batch, options);
        if (items.length > 0) {
          const outcomes = items.flatMap((item) => {
            const outcome = answer(item);
            return outcome === null ? [] : [{ link_id: item.link_id, ...outcome }];
          });
          await complete(batch, outcomes, options);
        }
        return items;
      },
      /** What people asked for is carried out; what needs the app comes back. */
      async takeRequests() {
        return all<{ id: string; kind: string; args: Fields; run_id: string | null }>(
          `select id, kind, args, run_id from tideway_private.take_requests($1, $2)`,
          [connection, epoch],
        );
      },
      releaseDue: () => daemon.query(`select tideway_private.release_due($1)`, [number]),
      /** As if their time had come. */
      async dueNow(): Promise<void> {
        await daemon.query(
          `update tideway_private.waiting set due_at = now() where mapping = $1 and due_at is not null`,
          [number],
        );
        await daemon.query(`select tideway_private.release_due($1)`, [number]);
      },
      /** The read that an update without an answer waits for. */
      async readBack(records: readonly AppRecord[]): Promise<void> {
        await this.lifetimesOver();
        await this.dueNow();
        await this.push();
        await this.page(records);
        await this.takeRequests();
        await this.dueNow();
      },
      /** As if the longest life of every request and every delay were over. */
      lifetimesOver: () =>
        daemon.query(
          `update tideway_private.links set sent_until = clock_timestamp(), visible_from = clock_timestamp()
            where mapping = $1 and sent is not null`,
          [number],
        ),

      rows: (on: ClientBase = owner) => all(`select * from ${table} order by 1`, [], on),
      row: (key: Json, on: ClientBase = owner) =>
        one<Fields | undefined>(`select * from ${table} where id = $1`, [key], on),
      links: () =>
        all<Link>(
          `select id, local_key, remote_id, lane, local_image, remote_diff, sent, sent_local, sent_before, sent_op, resent, version,
                  local_gone_at is not null as local_gone, remote_gone_at is not null as remote_gone, dormant
             from tideway_private.links where mapping = $1 order by id`,
          [number],
        ),
      errors: () =>
        all<{
          remote_id: string | null;
          local_key: string | null;
          column: string | null;
          class: string;
          code: string;
          severity: string;
          message: string;
          row: number | null;
          direction: string;
        }>(
          `select remote_id, local_key, "column", error_class as class, code, severity, message, "row"::integer, direction
             from tideway.sync_errors where mapping_id = $1 and resolved_at is null order by remote_id, local_key, "column", code`,
          [id],
        ),
      conflicts: (openOnly = false) =>
        all<{
          id: string;
          column: string;
          kind: string;
          policy: string;
          old_value: Json;
          local_value: Json;
          remote_value: Json;
          resolution: string | null;
        }>(
          `select id, "column", kind, policy, old_value, local_value, remote_value, resolution
             from tideway.conflicts where mapping_id = $1 and (not $2 or resolved_at is null) order by detected_at, "column"`,
          [id, openOnly],
        ),
      rereads: () =>
        all<{ remote_id: string; reason: string; compare: boolean }>(
          `select remote_id, reason, compare from tideway_private.rereads where mapping = $1 order by remote_id`,
          [number],
        ),
      waiting: () =>
        all<{
          local_key: string;
          reason: string;
          due: boolean;
          marked: boolean;
          attempts_started: number;
          attempts_finished: number;
        }>(
          `select local_key, reason, due_at is not null as due, marked, attempts_started, attempts_finished
             from tideway_private.waiting where mapping = $1 order by local_key`,
          [number],
        ),
      outbox: () =>
        all<{ local_key: string; op: number; xid: string | null }>(
          `select local_key, op, xid::text from tideway_private.outbox where mapping = $1 order by local_key`,
          [number],
        ),
      deletions: () =>
        all<{ local_key: string; gone_side: string; state: string }>(
          `select l.local_key, d.gone_side, d.state from tideway_private.deletions d join tideway_private.links l on l.id = d.link_id
            where d.mapping = $1 order by d.id`,
          [number],
        ),
      state: () =>
        one<{ state: string; paused_code: string | null; paused_reason: string | null }>(
          `select state, paused_code, paused_reason from tideway.mappings where number = $1`,
          [number],
        ),
    };
  }

  const oids = new Map<string, number>();
  let following: string | undefined;
  /** What the follower writes for committed changes, in WAL order. */
  async function follow(
    committed: {
      changes?: readonly { table: string; key: string; op?: number; xid?: string | null }[];
      moves?: readonly { table: string; from: string; to: string; xid?: string | null }[];
    },
    options: { epoch?: string; on?: ClientBase } = {},
  ): Promise<void> {
    following ??= await startFollowing();
    const changes = committed.changes ?? [];
    const moves = committed.moves ?? [];
    await (options.on ?? daemon).query(
      `select tideway_private.mark_changes('tideway', $1, '0/1', $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        options.epoch ?? following,
        changes.map((change) => oids.get(change.table)),
        changes.map((change) => change.key),
        changes.map((change) => change.op ?? 1),
        changes.map((change) => change.xid ?? null),
        moves.map((move) => oids.get(move.table)),
        moves.map((move) => move.from),
        moves.map((move) => move.to),
        moves.map((move) => move.xid ?? null),
      ],
    );
  }
  const startFollowing = async (owner_ = 'follower', system = '1'): Promise<string> => {
    following = (
      await one<{ epoch: string }>(`select epoch from tideway_private.start_following('tideway', $1, 1, $2)`, [
        system,
        owner_,
      ])
    ).epoch;
    return following;
  };

  return {
    pool,
    daemon,
    owner,
    watcher,
    ownerRole: OWNER,
    one,
    all,
    ask,
    connect,
    takeLease,
    aMapping,
    follow,
    startFollowing,
    database,
  };
}

/** An app in memory that takes what it is sent, or a value made of it. */
export function anApp(keeps: (fields: Fields) => Fields = (fields) => fields) {
  const records = new Map<string, Fields>();
  let last = 0;
  return {
    records,
    write: (item: PushItem): Outcome => {
      if (item.op === 'delete') {
        return { result: records.delete(item.remote_id ?? '') ? 'written' : 'not_found' };
      }
      if (item.op === 'lookup') {
        for (const [id, fields] of records) {
          if (Object.entries(item.correlation ?? {}).every(([name, value]) => fields[name] === value)) {
            return { result: 'found', remote_id: id, shown: fields };
          }
        }
        return { result: 'missing' };
      }
      if (item.op === 'update' && !records.has(item.remote_id ?? '')) return { result: 'not_found' };
      const id = item.remote_id ?? `r${String((last += 1))}`;
      const fields = { ...records.get(id), ...keeps(item.payload) };
      records.set(id, fields);
      return { result: 'written', remote_id: id, shown: fields };
    },
    read: (): AppRecord[] => [...records].map(([id, fields]) => ({ id, fields })),
  };
}

/** Whether a session waits for a lock now; steps of two sessions are ordered by it. */
export async function waitsForLock(engine: Engine, session: ClientBase & { processID?: number }): Promise<boolean> {
  const { waits } = await engine.one<{ waits: boolean }>(
    `select coalesce((select wait_event_type = 'Lock' from pg_stat_activity where pid = $1), false) as waits`,
    [session.processID],
    engine.watcher,
  );
  return waits;
}

/** Begins a statement, and hands over its end once it has ended or waits for a lock. */
export async function begun(engine: Engine, session: Client, sql: string, values: unknown[] = []) {
  let ended = false;
  const end = session.query(sql, values).finally(() => (ended = true));
  await waitFor(async () => ended || (await waitsForLock(engine, session)));
  return { end };
}
