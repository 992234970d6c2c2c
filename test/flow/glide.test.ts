import { afterAll, afterEach, beforeEach, expect, onTestFailed, test } from 'vitest';
import { startGlideApp, type GlideApp } from '../apps/glide/glide-app.ts';
import { useDatabase } from '../support/database.ts';
import { killDaemons, startDaemon } from '../support/daemon.ts';
import { dropSlot } from '../support/drop-slot.ts';
import { waitFor } from '../support/wait-for.ts';

const TOKEN = '11111111-2222-4333-8444-555555555555';
const APP = { id: 'mT91fPcZCWigkZXgSZGJ', name: 'Shop' };
const TABLE = {
  id: 'native-table-1c5a',
  name: 'Products',
  big: true,
  columns: [
    { id: 'sku', kind: 'string' },
    { id: 'product_name', kind: 'string' },
    { id: 'yPXU2', name: 'Stock', kind: 'number' },
  ],
} as const;

const { pool, url, name } = useDatabase();
const slot = `${name}_slot`;
let app: GlideApp;

beforeEach(async () => {
  app = await startGlideApp({ token: TOKEN, app: APP, tables: [TABLE], applyAfter: 50 });
});
afterEach(async () => {
  await killDaemons();
  await app.stop();
});
afterAll(() => dropSlot(pool, slot));

const daemon = async (env: Record<string, string> = {}) => {
  const started = await startDaemon(url, { TIDEWAY_SLOT: slot, GLIDE_TOKEN: TOKEN, ...env });
  onTestFailed(() => {
    console.error(started.log());
  });
  return started;
};

const shows = (wanted: readonly (readonly [string, string | undefined, number])[]) =>
  waitFor(
    () => {
      const rows = app.rows(TABLE.id).map(({ cells }) => [cells['sku'], cells['product_name'], cells['yPXU2']]);
      expect(rows.sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))).toEqual(wanted);
    },
    { within: 30_000 },
  );

const seen = () =>
  waitFor(
    async () => {
      const { rows } = await pool.query(`select (select count(*) from tideway_private.links where sent is not null)
        + (select count(*) from tideway_private.outbox) + (select count(*) from tideway_private.in_flight) as open`);
      expect(rows).toEqual([{ open: '0' }]);
    },
    { within: 30_000 },
  );

for (const mode of ['classic', 'v2']) {
  test(`${mode}: rows written in SQL appear in Glide, and a killed daemon doubles and loses none`, async () => {
    const table = `products_${mode}`;
    await pool.query(
      `create table ${table} (sku text primary key, glide_row_id text, vendor_product_name text, stock integer)`,
    );
    const settings = {
      mode,
      app_id: APP.id,
      base_url: app.url,
      requests_per_second: 50,
      request_life: 300,
      write_visible_after: 300,
    };
    await pool.query(`select tideway.connect($1, 'glide', $2, 'env:GLIDE_TOKEN')`, [mode, settings]);
    const columns = {
      $rowID: { glide_column_name: '$rowID', supabase_column_name: 'glide_row_id', data_type: 'string' },
      product_name: {
        glide_column_name: 'product_name',
        supabase_column_name: 'vendor_product_name',
        data_type: 'string',
      },
      sku: { glide_column_name: 'sku', supabase_column_name: 'sku', data_type: 'string' },
      stock: { glide_column_name: 'yPXU2', supabase_column_name: 'stock', data_type: 'number' },
    };
    await pool.query(
      `select tideway.map($1, $1, $2, $3::regclass, $4::jsonb, direction => 'to_glide',
              options => '{"retry_base": "100 ms", "retry_cap": "1 s"}')`,
      [mode, TABLE.id, table, JSON.stringify(columns)],
    );
    await pool.query(`select tideway.activate($1)`, [mode]);

    const first = await daemon();
    await pool.query(
      `insert into ${table} values ('a', null, 'chair', 4), ('b', null, 'lamp', 9), ('c', null, 'bed', 1)`,
    );
    await shows([
      ['a', 'chair', 4],
      ['b', 'lamp', 9],
      ['c', 'bed', 1],
    ]);
    await seen();
    await pool.query(`update ${table} set stock = 5 where sku = 'a'; delete from ${table} where sku = 'b'`);
    await shows([
      ['a', 'chair', 5],
      ['c', 'bed', 1],
    ]);
    await seen();
    // Only what changed was sent. (A row that is marked twice before its first write was seen may be sent twice.)
    const sent = app.journal().filter(({ op, cells }) => op === 'update' && cells['yPXU2'] === 5);
    expect(sent.map(({ cells }) => cells)).toEqual([{ yPXU2: 5 }]);
    await first.stop();

    await pool.query(
      `insert into ${table} values ('d', null, 'desk', 2); update ${table} set vendor_product_name = null where sku = 'c'`,
    );
    const doomed = await daemon({ TIDEWAY_FAILPOINT: 'push.answered' });
    expect(await doomed.ended).toBe('SIGKILL');
    await daemon();
    await shows([
      ['a', 'chair', 5],
      ['c', undefined, 1],
      ['d', 'desk', 2],
    ]);
    await seen();
    expect(app.journal().filter(({ op }) => op === 'create')).toHaveLength(4);
    await pool.query(`select tideway.pause($1)`, [mode]);
  });
}
