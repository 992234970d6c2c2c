import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { defineProducts } from '../../support/products.ts';
import { waitFor } from '../../support/wait-for.ts';

const database = useDatabase();
const { pool } = database;
let products = 0;
let prices = 0;
beforeAll(async () => {
  ({ products, prices } = await defineProducts(pool));
});

const keyText = async (mapping: number, key: unknown) =>
  (await pool.query<{ key: string }>('select tideway_private.key_text($1, $2) as key', [mapping, JSON.stringify(key)]))
    .rows[0]?.key;

test.each([[7], ['7'], ['07'], [7.0], [{ id: 7 }], [{ id: ' 7 ' }]])('%j names the row 7', async (key) => {
  expect(await keyText(products, key)).toBe('7');
});

test('a composite key is written in key order, whatever the session', async () => {
  const db = await database.client();
  await db.query(`set timezone = 'Europe/Berlin'; set datestyle = 'German'`);
  const key = JSON.stringify({ currency: 'EUR', at: '2026-01-01T02:00:00+02:00', product: '007' });
  const { rows } = await db.query<{ key: string }>('select tideway_private.key_text($1, $2) as key', [prices, key]);
  expect(rows[0]?.key).toBe('["7", "EUR", "2026-01-01 00:00:00+00"]');
  const written = await db.query<{ key: string }>(
    `select jsonb_build_array(product::text, currency::text, at::text)::text as key
       from (values (7, 'EUR'::char(3), '2026-01-01T02:00:00+02:00'::timestamptz)) as p (product, currency, at)`,
  );
  expect(written.rows[0]?.key).not.toBe(rows[0]?.key);
  await db.query(`set timezone = 'UTC'; set datestyle = 'ISO'`);
});

test.each([
  ['products', '"x"', 'id'],
  ['products', '7.5', 'id'],
  ['products', '99999999999', 'id'],
  ['products', '{"ido": 7}', 'ido'],
  ['products', 'null', 'id'],
  ['products', '{}', 'id'],
  ['prices', '7', 'product'],
  ['prices', '{"product": 7, "currency": "EUR"}', 'at'],
])('the key %s %s is refused, naming the column', async (mapping, key, column) => {
  const call = pool.query('select tideway.retry_row($1, $2)', [mapping, key]);
  await expect(call).rejects.toMatchObject({ code: 'TWKEY' });
  await expect(call.catch((error: Error & { hint?: string }) => error.message + (error.hint ?? ''))).resolves.toContain(
    column,
  );
});

test('a request is seen when it commits, wakes the daemon, and is gone when it rolls back', async () => {
  const [daemon, person] = [await database.client(), await database.client()];
  const heard: string[] = [];
  daemon.on('notification', ({ payload }) => heard.push(payload ?? ''));
  await daemon.query('listen tideway_requests');

  await person.query('begin');
  await person.query(`select tideway.retry_row('products', '1')`);
  await person.query('rollback');
  await person.query('begin');
  await person.query(`select tideway.pause_row('products', '2', 'wait')`);
  expect((await pool.query('select from tideway_private.requests')).rowCount).toBe(0);
  await person.query('commit');

  await waitFor(async () => (await daemon.query('select 1'), heard.length > 0));
  const { rows } = await pool.query<{ kind: string; args: object; connection: number }>(
    'delete from tideway_private.requests returning kind, args, connection',
  );
  expect(rows).toEqual([{ kind: 'pause_row', args: { local_key: '2', reason: 'wait' }, connection: Number(heard[0]) }]);
  expect(heard).toHaveLength(1);
});

test('an open transaction that asked holds up nobody who marks the same row', async () => {
  const [person, follower] = [await database.client(), await database.client()];
  await person.query('begin');
  await person.query(`select tideway.retry_row('products', '5')`);
  await follower.query(`set statement_timeout = '10 s'`);
  await follower.query(`insert into tideway_private.outbox (mapping, local_key, lane, org_id) values ($1, '5', 0, 'default')
                        on conflict (mapping, local_key) do update set op = excluded.op`, [products]); // prettier-ignore
  const { rows } = await pool.query<{ relation: string }>(
    `select distinct l.relation::regclass::text as relation from pg_locks l
      where l.pid = $1 and l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.relation::regclass::text like 'tideway%'
        and l.relation in (select oid from pg_class where relkind = 'r')`,
    [(await person.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid],
  );
  expect(rows).toEqual([{ relation: 'tideway_private.requests' }]);
  await person.query('rollback');
});

test('every asking function appends a request of its kind', () =>
  database.rolledBack(async (db) => {
    await db.query(`update tideway.mappings set shadow = true, read = '{"name": "catalogue"}' where name = 'products'`);
    await db.query(`
      select tideway.retry_row('products', '1'), tideway.replay('products', '1'), tideway.pause_row('products', '1'),
             tideway.resume_row('products', '1'), tideway.sync_now('products'), tideway.backfill('products'), tideway.sweep('products'),
             tideway.test_connection('shop'), tideway.discover('shop'), tideway.promote('products'), tideway.invalidate_cache('catalogue')`);
    const { rows } = await db.query<{ kind: string }>('select kind from tideway_private.requests order by id');
    expect(rows.map((row) => row.kind)).toEqual(
      ['retry', 'replay', 'pause_row', 'resume_row', 'sync', 'backfill', 'sweep', 'test_connection', 'discover', 'promote', 'invalidate'],
    ); // prettier-ignore
  }));

test('a run that was asked for waits as pending, with what was asked', () =>
  database.rolledBack(async (db) => {
    const { rows } = await db.query<{ run: string }>(
      `select tideway.sync_now('products', 'full', dry_run => true, row_limit => 5) as run`,
    );
    const run = await db.query(
      'select id as run, kind, status, dry_run, row_limit, completed_at from tideway.sync_runs',
    );
    expect(run.rows).toEqual([
      { ...rows[0], kind: 'full', status: 'pending', dry_run: true, row_limit: 5, completed_at: null },
    ]);
    const asked = await db.query('select run_id as run, args from tideway_private.requests');
    expect(asked.rows).toEqual([
      { ...rows[0], args: { mode: 'full', dry_run: true, row_limit: 5, force_overwrite: false } },
    ]);
  }));

test.each([
  [`select tideway.sync_now('product')`, 'TWMAP', 'Did you mean "products"?'],
  [`select tideway.discover('shpo')`, 'TWCON', 'List them with'],
  [`select tideway.discover('shops')`, 'TWCON', 'Did you mean "shop"?'],
  [`select tideway.sync_now('products', 'fast')`, 'TWARG', 'delta, full, sweep'],
  [`select tideway.sync_now('products', row_limit => 0)`, 'TWARG', 'above 0'],
  [`select tideway.promote('products')`, 'TWSTA', 'shadow'],
  [`select tideway.invalidate_cache('nothing')`, 'TWCCH', 'option read'],
  [`select tideway.resolve_conflict(gen_random_uuid(), 'local')`, 'TWCFL', 'open_conflicts'],
  [`select tideway.resolve_conflict(gen_random_uuid(), 'mine')`, 'TWARG', 'remote, local, value'],
  [`select tideway.resolve_conflict(gen_random_uuid(), 'value')`, 'TWARG', 'JSON null'],
  [`select tideway.approve_deletions(gen_random_uuid())`, 'TWDEL', 'held_deletions'],
  [`select tideway.approve_deletions()`, 'TWARG', 'held_deletions'],
])('%s is refused with %s', async (sql, code, hint) => {
  await expect(pool.query(sql)).rejects.toMatchObject({ code, hint: expect.stringContaining(hint) as string });
});

test('a paused mapping starts nothing and says how to go on', () =>
  database.rolledBack(async (db) => {
    await db.query(
      `update tideway.mappings set state = 'paused', paused_at = now(), paused_reason = 'holiday' where name = 'products'`,
    );
    await expect(db.query(`select tideway.backfill('products')`)).rejects.toMatchObject({
      code: 'TWSTA',
      detail: 'holiday',
      hint: expect.stringContaining(`tideway.resume('products')`) as string,
    });
  }));

test('only an operator may overwrite by force', () =>
  database.rolledBack(async (db) => {
    const sync = `select tideway.sync_now('products', force_overwrite => true)`;
    await db.query(`set local role tideway_operator`);
    await db.query(sync);
    await db.query(`reset role; create role tideway_test_clerk;
                    grant usage on schema tideway, tideway_private to tideway_test_clerk;
                    grant execute on all functions in schema tideway, tideway_private to tideway_test_clerk;
                    grant select on tideway.mappings, tideway.connections to tideway_test_clerk;
                    set local role tideway_test_clerk`);
    await expect(db.query(sync)).rejects.toMatchObject({ code: 'TWOPR' });
  }));

test('an operator may call all of this, and a reader nothing of it', () =>
  database.rolledBack(async (db) => {
    await db.query('set local role tideway_operator');
    await db.query(`select tideway.record_sync_error('products', 'API_ERROR', 'odd', '3')`);
    await db.query(`select tideway.retry_failed_sync(), tideway.retry_row('products', '3'), tideway.discover('shop'),
                           tideway.resolve_sync_error((select id from tideway.get_sync_errors()), 'seen')`);
    await db.query('set local role tideway_reader');
    await expect(db.query(`select tideway.retry_row('products', '3')`)).rejects.toMatchObject({ code: '42501' });
  }));

test('another organisation has no such mapping, error or request', () =>
  database.rolledBack(async (db) => {
    await db.query(`select tideway.record_sync_error('products', 'API_ERROR', 'odd', '3')`);
    await db.query(
      `insert into tideway.organisations values ('other'); set local tideway.org_id = 'other'; set local role tideway_operator`,
    );
    expect((await db.query('select from tideway.get_sync_errors()')).rowCount).toBe(0);
    expect((await db.query('select tideway.retry_failed_sync() as rows')).rows).toEqual([{ rows: 0 }]);
    await expect(db.query(`select tideway.retry_row('products', '3')`)).rejects.toMatchObject({
      code: 'TWMAP',
      detail: '0 mappings are defined.',
    });
  }));

test('who belongs to no organisation is sent to whoami', () =>
  database.rolledBack(async (db) => {
    await db.query(`insert into tideway.organisations values ('other')`);
    for (const [statement, code] of [
      [`select tideway.sync_now('products')`, 'TWMAP'],
      [`select tideway.discover('shop')`, 'TWCON'],
    ] as const) {
      await db.query('savepoint here');
      await expect(db.query(statement)).rejects.toMatchObject({
        code,
        detail: 'You see the rows of no organisation.',
        hint: 'Why, and what to do: select problem, mend from tideway.whoami();',
      });
      await db.query('rollback to here');
    }
  }));

test('retry_failed_sync counts rows once, of one class or all, and those that wait without an error', () =>
  database.rolledBack(async (db) => {
    await db.query(
      `select tideway_private.record_errors($1, null, 'push', '[
         {"local_key": "1", "column": "a", "class": "VALIDATION_ERROR", "code": "INVALID_VALUE", "message": "x"},
         {"local_key": "1", "column": "b", "class": "VALIDATION_ERROR", "code": "INVALID_VALUE", "message": "x"},
         {"local_key": "2", "class": "API_ERROR", "code": "BAD_RESPONSE", "message": "x"},
         {"local_key": "3", "class": "API_ERROR", "code": "BAD_RESPONSE", "message": "x", "severity": "warning"}]')`,
      [products],
    );
    await db.query(`insert into tideway_private.waiting (mapping, local_key, org_id, reason)
                    values ($1, '2', 'default', 'failed'), ($1, '9', 'default', 'failed'), ($1, '8', 'default', 'paused')`, [products]); // prettier-ignore
    const count = async (args: string) =>
      (await db.query<{ rows: number }>(`select tideway.retry_failed_sync(${args}) as rows`)).rows[0]?.rows;
    expect(await count('')).toBe(3);
    expect(await count(`'products'`)).toBe(3);
    expect(await count(`'products', 'VALIDATION_ERROR'`)).toBe(1);
    expect(await count(`'prices'`)).toBe(0);
    const { rows } = await db.query('select kind, mapping, args from tideway_private.requests order by id');
    expect(rows).toEqual([
      { kind: 'retry', mapping: products, args: {} },
      { kind: 'retry', mapping: products, args: {} },
      { kind: 'retry', mapping: products, args: { error_class: 'VALIDATION_ERROR' } },
    ]);
  }));

test('held deletions are decided by run or by mapping', () =>
  database.rolledBack(async (db) => {
    await db.query(`
      with l as (insert into tideway_private.links (mapping, org_id, local_key, lane) values (${products}, 'default', '1', 0), (${products}, 'default', '2', 0) returning id)
      insert into tideway_private.deletions (mapping, org_id, link_id, gone_side, run_id, state)
      select ${products}, 'default', id, 'remote', '0b6f4a52-5b6e-4a0c-9a43-6f1f0a5f2f10', 'held' from l`);
    const one = async (sql: string) => (await db.query<{ n: number }>(`select ${sql} as n`)).rows[0]?.n;
    expect(await one(`tideway.approve_deletions('0b6f4a52-5b6e-4a0c-9a43-6f1f0a5f2f10')`)).toBe(2);
    expect(await one(`tideway.reject_deletions(mapping => 'products')`)).toBe(2);
    const { rows } = await db.query('select kind from tideway_private.requests order by id');
    expect(rows).toEqual([{ kind: 'approve_deletions' }, { kind: 'reject_deletions' }]);
  }));

test('a conflict is decided once', () =>
  database.rolledBack(async (db) => {
    const { rows } = await db.query<{ id: string }>(`
      insert into tideway.conflicts (org_id, mapping_id, local_key, "column", kind, policy)
      select 'default', id, '1', 'name', 'update_origin_differs', 'manual' from tideway.mappings where name = 'products' returning id`);
    await db.query('select tideway.resolve_conflict($1, $2, $3)', [rows[0]?.id, 'value', 'null']);
    const asked = await db.query('select args from tideway_private.requests');
    expect(asked.rows).toEqual([{ args: { conflict: rows[0]?.id, choice: 'value', value: null } }]);
    await db.query(`update tideway.conflicts set resolution = 'value', resolved_at = now(), resolved_by = 'anna'`);
    await expect(db.query('select tideway.resolve_conflict($1, $2)', [rows[0]?.id, 'local'])).rejects.toMatchObject({
      code: 'TWCFL',
      message: expect.stringContaining('anna') as string,
    });
  }));
