import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack } = useDatabase();

const add = `select tideway.add_to_sync_list('product', 'netsuite', 'shopify', $1::text[], priority => $2) as n`;
const resolve = `select r.* from tideway.sync_list s cross join lateral tideway_private.resolve_list_item(s) r where s.source_id = '1'`;

test('an item finds the one active mapping of its type on each side, and the row here', () =>
  rolledBack(async (db) => {
    const source = await aMapping(db, { name: 'ns', system: 'netsuite', itemType: 'product' });
    const target = await aMapping(db, { name: 'sh', system: 'shopify', itemType: 'product' });
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane) values ($1, 'default', '7', '1', 0)`,
      [source.number],
    );
    await db.query(add, [['1'], 0]);
    expect((await db.query(resolve)).rows).toEqual([
      { source_mapping: source.number, target_mapping: target.number, local_key: '7', problem: null },
    ]);
  }));

test('several mappings of one type are listed until one is named; none is a problem too', () =>
  rolledBack(async (db) => {
    await aMapping(db, { name: 'ns1', system: 'netsuite', itemType: 'product' });
    const second = await aMapping(db, { name: 'ns2', system: 'netsuite', itemType: 'product' });
    await db.query(add, [['1'], 0]);
    const { rows } = await db.query<{ problem: string }>(resolve);
    expect(rows[0]!.problem).toBe(
      'Several mappings of netsuite have the item type "product"; name one in source_mapping: ns1, ns2. No active mapping of shopify has the item type "product".',
    );
    await db.query(`update tideway.sync_list set source_mapping = 'ns2'`);
    expect((await db.query(resolve)).rows).toMatchObject([{ source_mapping: second.number, target_mapping: null }]);
  }));

test('a statement over many items asks each mapping that keeps listed rows once', () =>
  rolledBack(async (db) => {
    const listed = await aMapping(db, { name: 'ns', system: 'netsuite', itemType: 'product', onlyListed: true });
    await aMapping(db, { name: 'all', system: 'shopify', itemType: 'product' });
    const asked = async () =>
      (
        await db.query<{ mapping: number; args: { remote_ids: string[] } }>(
          `delete from tideway_private.requests returning mapping, args`,
        )
      ).rows;
    expect((await db.query(add, [['1', '2', '2'], 0])).rows).toEqual([{ n: 2 }]);
    expect((await asked()).map(({ mapping, args }) => [mapping, args.remote_ids])).toEqual([
      [listed.number, ['1', '2']],
    ]);
    await db.query(`update tideway.sync_list set last_sync_status = 'success'`);
    expect(await asked()).toEqual([]);
    await db.query(`update tideway.sync_list set source_id = '3' where source_id = '2'`);
    expect((await asked()).map(({ args }) => args.remote_ids)).toEqual([['2', '3']]);
    await db.query(`delete from tideway.sync_list where source_id = '1'`);
    expect((await asked()).map(({ args }) => args.remote_ids)).toEqual([['1']]);
  }));

test('delta_sync asks and changes nothing else; an unknown item is refused', () =>
  rolledBack(async (db) => {
    await db.query(add, [['1'], 0]);
    await db.query(`select tideway.delta_sync(item_type => 'product')`);
    expect((await db.query(`select kind, args from tideway_private.requests`)).rows).toEqual([
      { kind: 'delta_sync', args: { item_type: 'product' } },
    ]);
    expect((await db.query(`select kind, status from tideway.sync_runs`)).rows).toEqual([
      { kind: 'delta', status: 'pending' },
    ]);
    await expect(db.query(`select tideway.delta_sync(array[gen_random_uuid()])`)).rejects.toMatchObject({
      code: 'TWLST',
    });
  }));

test('due items come by priority, each by its own interval', () =>
  rolledBack(async (db) => {
    await db.query(add, [['low'], 1]);
    await db.query(add, [['high', 'done'], 5]);
    await db.query(
      `update tideway.sync_list set schedule = '1 hour', last_synced_at = case source_id when 'done' then now() - interval '59 min' when 'low' then now() - interval '2 h' end`,
    );
    const { rows } = await db.query<{ source_id: string }>(
      `select source_id from tideway_private.due_list_items(now())`,
    );
    expect(rows.map(({ source_id }) => source_id)).toEqual(['high', 'low']);
  }));

test('results are written to the items, and a failure keeps the last success', () =>
  rolledBack(async (db) => {
    await db.query(add, [['1'], 0]);
    const finish = `select tideway_private.finish_list_items((select jsonb_build_array(jsonb_build_object('id', id) || $1) from tideway.sync_list), $2)`;
    await db.query(finish, [{ status: 'success', target_id: 'gid://1' }, '2026-11-01T00:00:00Z']);
    await db.query(finish, [{ status: 'failed', error: 'no such product' }, '2026-11-02T00:00:00Z']);
    expect(
      (await db.query(`select target_id, last_synced_at, last_sync_status, error_message from tideway.sync_list`)).rows,
    ).toEqual([
      {
        target_id: 'gid://1',
        last_synced_at: new Date('2026-11-01T00:00:00Z'),
        last_sync_status: 'failed',
        error_message: 'no such product',
      },
    ]);
  }));

test('an item whose run ended too early for it is told how it ended, as of when it was asked for', () =>
  rolledBack(async (db) => {
    const source = await aMapping(db, { name: 'ns', system: 'netsuite', itemType: 'product' });
    const target = await aMapping(db, { name: 'sh', system: 'shopify', itemType: 'product' });
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane)
       select $1::integer, 'default', n::text, 'ns' || n, 0 from generate_series(1, 4) n
       union all
       select $2::integer, 'default', n::text, 'sh' || n, 0 from generate_series(1, 3) n`,
      [source.number, target.number],
    );
    await db.query(
      `insert into tideway_private.waiting (mapping, org_id, local_key, reason) values ($1, 'default', '2', 'failed')`,
      [target.number],
    );
    await db.query(add, [['ns1', 'ns2', 'ns3', 'ns4'], 0]);
    const finish = `select tideway_private.finish_list_items((select jsonb_agg(jsonb_build_object('id', id, 'status', 'pending')) from tideway.sync_list))`;
    await db.query(finish);
    const { rows: later } = await db.query<{ at: string }>(`select clock_timestamp()::text as at`);
    // A run that ends without them changes nothing.
    await db.query(finish);
    await db.query(
      `insert into tideway_private.requests (org_id, kind, args)
       select 'default', 'list_items', jsonb_build_object('items', jsonb_build_array(jsonb_build_object('id', id))) from tideway.sync_list where source_id = 'ns3'`,
    );
    const settle = async (after: string) =>
      (
        await db.query<{ n: number }>(
          `select tideway_private.settle_list_items(clock_timestamp() + $1::interval) as n`,
          [after],
        )
      ).rows[0]?.n;
    expect(await settle('0')).toBe(0);
    expect(await settle('1 min')).toBe(2);
    expect(await settle('1 min')).toBe(0);
    const { rows } = await db.query<Record<string, unknown>>(
      `select source_id, last_sync_status as status, target_id, error_message as error, last_synced_at < $1 as in_time from tideway.sync_list order by source_id`,
      [later[0]?.at],
    );
    expect(rows).toEqual([
      { source_id: 'ns1', status: 'success', target_id: 'sh1', error: null, in_time: true },
      { source_id: 'ns2', status: 'failed', target_id: 'sh2', error: 'The row waits: failed.', in_time: null },
      { source_id: 'ns3', status: 'pending', target_id: null, error: null, in_time: null },
      { source_id: 'ns4', status: 'pending', target_id: null, error: null, in_time: null },
    ]);
    await db.query(`delete from tideway_private.requests`);
    expect(await settle('1 min')).toBe(1);
  }));

test('what a pattern matches goes on the list', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db, { name: 'ns', system: 'netsuite', itemType: 'product' });
    await db.query(
      `insert into public.products (id, status, price) values (1, 'active', 20), (2, 'active', 5), (3, 'draft', 50)`,
    );
    await db.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane) select $1, 'default', g::text, 'r' || g, 0 from generate_series(1, 3) g`,
      [mapping.number],
    );
    await db.query(`select tideway.save_pattern('Good', '{"status": ["active"], "priceMin": 10}')`);
    expect((await db.query(`select tideway.add_pattern_to_sync_list('Good', 'ns', 'shopify') as n`)).rows).toEqual([
      { n: 1 },
    ]);
    expect((await db.query(`select source_platform, source_id, filter_config from tideway.sync_list`)).rows).toEqual([
      { source_platform: 'netsuite', source_id: 'r1', filter_config: { status: ['active'], priceMin: 10 } },
    ]);
  }));
