import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack } = useDatabase();

test('a preview is asked for, then answered from the cache until the definition changes', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    const { rows: asked } = await db.query<{ run_id: string; delta: null }>(
      `select * from tideway.preview('products')`,
    );
    expect(asked).toEqual([{ run_id: expect.any(String) as string, delta: null, computed_at: null, expires_at: null }]);
    expect((await db.query(`select kind, mapping, run_id from tideway_private.requests`)).rows).toEqual([
      { kind: 'preview', mapping: mapping.number, run_id: asked[0]!.run_id },
    ]);
    await db.query(`select tideway_private.store_preview($1, '{"creates": [1]}', $2)`, [
      mapping.number,
      asked[0]!.run_id,
    ]);
    const { rows } = await db.query(`select run_id, delta -> 'creates' as creates from tideway.preview('products')`);
    expect(rows).toEqual([{ run_id: asked[0]!.run_id, creates: [1] }]);
    await db.query(`update tideway.mapping_columns set conflict = 'local' where mapping_id = $1 and local = 'name'`, [
      mapping.id,
    ]);
    expect((await db.query(`select delta from tideway.preview('products')`)).rows).toEqual([{ delta: null }]);
  }));

test('who asks again while it is computed waits for the same run, unless the definition changed or the run failed', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    await db.query('set local role tideway_operator');
    const ask = async () =>
      (await db.query<{ run_id: string }>(`select run_id from tideway.preview('products')`)).rows[0]?.run_id;
    const first = await ask();
    expect(await ask()).toBe(first);
    expect((await db.query('select from tideway_private.requests')).rowCount).toBe(1);
    await db.query('reset role');
    await db.query(`update tideway.sync_runs set status = 'failed', completed_at = now() where id = $1`, [first]);
    const second = await ask();
    expect(second).not.toBe(first);
    await db.query(`update tideway.mapping_columns set conflict = 'local' where mapping_id = $1 and local = 'name'`, [
      mapping.id,
    ]);
    expect([first, second]).not.toContain(await ask());
  }));

test('an expired preview is no answer', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db);
    await db.query(`select tideway_private.store_preview($1, '{}', now => now() - interval '1 hour')`, [
      mapping.number,
    ]);
    expect((await db.query(`select delta from tideway.preview('products')`)).rows).toEqual([{ delta: null }]);
  }));
