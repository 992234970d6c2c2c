import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { useOutbound, type Stage } from '../outbound/stage.ts';

const flow = useOutbound();
const { pool } = flow;

/** Two accounts on one table: what is on the list goes from the shop over the table to the store. */
async function begin(clock: () => number = Date.now): Promise<{ shop: Stage; store: Stage }> {
  const manual = { schedule: 'manual', sweep_schedule: 'manual', item_type: 'product' };
  const shop = await flow.stage({
    name: 'shop',
    table: 'public.items',
    direction: 'pull',
    mapping: manual,
    app: { now: clock },
  });
  const store = await flow.stage({
    name: 'store',
    table: 'public.items',
    direction: 'push',
    mapping: manual,
    app: {
      tables: [
        {
          id: 'items',
          columns: [
            { id: 'ref', type: 'number' },
            { id: 'name', type: 'text', maxLength: 10 },
            { id: 'qty', type: 'number' },
          ],
        },
      ],
    },
  });
  await flow.daemon();
  await waitFor(async () =>
    expect((await pool.query(`select from tideway.mappings where state = 'active'`)).rowCount).toBe(2),
  );
  return { shop, store };
}

async function list(ids: readonly string[], values: Record<string, unknown> = {}): Promise<void> {
  await pool.query(
    `insert into tideway.sync_list (org_id, user_id, item_type, source_platform, target_platform, source_id, source_mapping, target_mapping, sync_mode, schedule, priority, fields)
     select 'default', $2, 'product', 'plain', 'plain', i, $3, 'store', coalesce($4, 'delta'), $5, coalesce($6::integer, 0), $7 from unnest($1::text[]) i`,
    [
      ids,
      values['user'] ?? null,
      values['source'] ?? 'shop',
      values['mode'] ?? null,
      values['schedule'] ?? null,
      values['priority'] ?? null,
      values['fields'] ?? null,
    ],
  );
}

interface Item {
  source_id: string;
  last_sync_status: string;
  error_message: string | null;
  target_id: string | null;
  synced: boolean;
}

const items = async (): Promise<Item[]> =>
  (
    await pool.query<Item>(
      `select source_id, last_sync_status, error_message, target_id, last_synced_at is not null as synced from tideway.sync_list order by source_id`,
    )
  ).rows;

async function deltaSync(): Promise<Record<string, unknown>> {
  const { rows } = await pool.query<{ run: string }>(`select tideway.delta_sync() as run`);
  return waitFor(
    async () => {
      const { rows: history } = await pool.query<Record<string, unknown>>(
        `select sync_type, status, items_processed::int, items_created::int, items_updated::int, items_failed::int,
                (metadata ->> 'items_skipped')::int as items_skipped from tideway.sync_history where id = $1`,
        [rows[0]?.run],
      );
      expect(history).toHaveLength(1);
      return history[0] ?? {};
    },
    { within: 30_000 },
  );
}

test('items go from source to target, one that fails stops no other, and each says how it ended', async () => {
  const { shop, store } = await begin();
  const good = shop.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  const long = shop.edit({ op: 'create', values: { ref: 2, name: 'much too long a name', qty: 2 } });
  shop.edit({ op: 'create', values: { ref: 3, name: 'unlisted', qty: 3 } });
  await list([good, long, 'rec_999999']);
  await list(['x'], { source: 'no such mapping' });
  expect(await deltaSync()).toMatchObject({
    sync_type: 'delta',
    status: 'partial_success',
    items_processed: 4,
    items_created: 1,
    items_failed: 3,
  });
  expect(await items()).toEqual([
    { source_id: good, last_sync_status: 'success', error_message: null, target_id: store.record(1)?.id, synced: true },
    {
      source_id: long,
      last_sync_status: 'failed',
      error_message: expect.stringMatching(/10|long/) as string,
      target_id: null,
      synced: false,
    },
    {
      source_id: 'rec_999999',
      last_sync_status: 'failed',
      error_message: expect.stringContaining('no record "rec_999999"') as string,
      target_id: null,
      synced: false,
    },
    {
      source_id: 'x',
      last_sync_status: 'failed',
      error_message: expect.stringContaining('"no such mapping" of plain is not active') as string,
      target_id: null,
      synced: false,
    },
  ]);
  expect(store.record(1)).toMatchObject({ name: 'hammer', qty: 1 });
  expect(store.record(3)).toBeUndefined();
});

test('a delta item is written again only when its source changed; full mode looks always', async () => {
  const { shop, store } = await begin();
  const id = shop.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await list([id]);
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_created: 1 });
  // As if that had been long ago: clocks that differ by minutes hide nothing.
  await pool.query(`update tideway.sync_list set last_synced_at = now() + interval '1 hour'`);
  expect(await deltaSync()).toMatchObject({
    status: 'completed',
    items_processed: 1,
    items_skipped: 1,
    items_updated: 0,
  });
  await pool.query(`update tideway.sync_list set last_synced_at = now() - interval '1 hour'`);
  shop.edit({ op: 'update', id, values: { qty: 5 } });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_updated: 1 });
  expect(store.record(1)).toMatchObject({ qty: 5 });
  await pool.query(`update tideway.sync_list set last_synced_at = now() + interval '1 hour', sync_mode = 'full'`);
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_updated: 1, items_skipped: 0 });
});

test('a change in an app whose clock is an hour behind is carried over, and what did not change is not', async () => {
  const { shop, store } = await begin(() => Date.now() - 3_600_000);
  const id = shop.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await list([id]);
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_created: 1 });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_skipped: 1 });
  shop.edit({ op: 'update', id, values: { qty: 5 } });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_updated: 1, items_skipped: 0 });
  expect(store.record(1)).toMatchObject({ qty: 5 });
});

test('items with a schedule come by themselves, with a run for each person', async () => {
  const { shop, store } = await begin();
  const [one, two] = [1, 2].map((ref) => shop.edit({ op: 'create', values: { ref, name: 'x', qty: ref } }));
  await list([one ?? ''], { user: 'ann', schedule: '1 hour' });
  await list([two ?? ''], { user: 'bob', schedule: '* * * * *' });
  await pool.query(`update tideway.sync_list set created_at = now() - interval '10 minutes'`);
  await waitFor(() => expect([store.record(1), store.record(2)].every(Boolean)).toBe(true), { within: 20_000 });
  await waitFor(async () => {
    const { rows } = await pool.query(
      `select user_id, sync_type, items_processed::int as items from tideway.sync_history where user_id is not null and metadata ->> 'trigger' = 'scheduled' order by user_id limit 2`,
    );
    expect(rows).toEqual([
      { user_id: 'ann', sync_type: 'scheduled', items: 1 },
      { user_id: 'bob', sync_type: 'scheduled', items: 1 },
    ]);
  });
});

test('what is more important has arrived before the rest begins', async () => {
  const { shop, store } = await begin();
  const make = (ref: number) => shop.edit({ op: 'create', values: { ref, name: 'x', qty: ref } });
  const plain = Array.from({ length: 30 }, (_, at) => make(at));
  const urgent = Array.from({ length: 5 }, (_, at) => make(100 + at));
  const later = Array.from({ length: 5 }, (_, at) => make(200 + at));
  await list(plain);
  await list(later, { priority: -1 });
  await list(urgent, { priority: 9 });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_processed: 40, items_created: 40 });
  const order = store.effects().map(({ values }) => Number((values?.['ref'] as { number: string }).number));
  expect(order.slice(0, 5).every((ref) => ref >= 100 && ref < 105)).toBe(true);
  expect(order.slice(-5).every((ref) => ref >= 200)).toBe(true);
});

test('an item that names fields carries those only, until somebody wants them all', async () => {
  const { shop, store } = await begin();
  const id = shop.edit({ op: 'create', values: { ref: 1, name: 'hammer', qty: 1 } });
  await list([id], { fields: ['qty'] });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_created: 1 });
  expect(store.record(1)).toMatchObject({ name: null, qty: 1 });
  shop.edit({ op: 'update', id, values: { name: 'saw', qty: 2 } });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_updated: 1 });
  expect(store.record(1)).toMatchObject({ name: null, qty: 2 });
  await list([id], { user: 'ann' });
  expect(await deltaSync()).toMatchObject({ status: 'completed', items_processed: 2 });
  expect(store.record(1)).toMatchObject({ name: 'saw', qty: 2 });
  await pool.query(`update tideway.sync_list set fields = array['colour']`);
  expect(await deltaSync()).toMatchObject({ status: 'partial_success', items_failed: 2 });
  expect((await items())[0]?.error_message).toContain('fields names what the target mapping does not have: colour');
});

test('a scheduled sync of everything answers with totals and each person’s result', async () => {
  const { shop } = await begin();
  const [one, two, long] = ['a', 'b', 'much too long a name'].map((name, at) =>
    shop.edit({ op: 'create', values: { ref: at, name, qty: at } }),
  );
  await list([one ?? '', long ?? ''], { user: 'ann' });
  await list([two ?? ''], { user: 'bob' });
  const { rows } = await pool.query<{ run: string }>(`select tideway.scheduled_sync() as run`);
  const run = rows[0]?.run;
  const answer = async (id?: string) =>
    (await pool.query<{ answer: Record<string, unknown> }>(`select tideway.sync_answer($1) as answer`, [id])).rows[0]
      ?.answer;
  await waitFor(
    async () =>
      expect(
        (
          await pool.query(
            `select sync_type, status, user_id, items_processed::int as items from tideway.sync_history where id = $1`,
            [run],
          )
        ).rows,
      ).toEqual([{ sync_type: 'scheduled', status: 'partial_success', user_id: null, items: 3 }]),
    { within: 30_000 },
  );
  expect(await answer(run)).toMatchObject({
    totalUsers: 2,
    totalItems: 3,
    itemsProcessed: 3,
    itemsSucceeded: 2,
    itemsFailed: 1,
    duration: expect.any(Number) as number,
    userResults: [
      {
        userId: 'ann',
        itemsProcessed: 2,
        itemsSucceeded: 1,
        itemsFailed: 1,
        errors: [expect.stringContaining(`${String(long)}: `) as string],
      },
      { userId: 'bob', itemsProcessed: 1, itemsSucceeded: 1, itemsFailed: 0, errors: [] },
    ],
  });
  const { rows: ann } = await pool.query<{ id: string }>(`select id from tideway.sync_runs where triggered_by = 'ann'`);
  expect(await answer(ann[0]?.id)).toMatchObject({
    syncHistoryId: ann[0]?.id,
    status: 'partial_success',
    itemsProcessed: 2,
    itemsCreated: 1,
    itemsUpdated: 0,
    itemsFailed: 1,
    errors: [{ itemId: expect.any(String) as string, error: expect.stringMatching(/10|long/) as string }],
  });
});
