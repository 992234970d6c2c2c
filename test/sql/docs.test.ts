import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { aMapping } from '../support/a-mapping.ts';
import { useDatabase } from '../support/database.ts';

const { pool, rolledBack } = useDatabase();

const statements = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/```sql\n([^]*?)```/g)].map(([, sql]) => sql!.trim());

describe('docs/dba-guide.md', () => {
  beforeAll(async () => {
    await aMapping(pool);
  });

  test.each(statements('docs/dba-guide.md').map((sql) => [sql]))('%s', (sql) =>
    rolledBack(async (db) => void (await db.query(sql))),
  );
});

describe('docs/dashboards.md', () => {
  test.each(statements('docs/dashboards.md').map((sql) => [sql]))('%s', (sql) =>
    rolledBack(async (db) => void (await db.query(sql))),
  );
});

describe('docs/runbook.md', () => {
  test.each(statements('docs/runbook.md').map((sql) => [sql]))('%s', (sql) =>
    rolledBack(async (db) => void (await db.query(sql))),
  );
});

test('docs/recipes/inventory.md computes the stock, and writes only what changed', () =>
  rolledBack(async (db) => {
    await db.query(`create schema shop; set local search_path = shop`);
    const results = [];
    for (const sql of statements('docs/recipes/inventory.md')) {
      results.push(await db.query(sql.replaceAll('search_path = public', 'search_path = shop')));
    }
    const last = results.at(-1) as unknown as { rows: object[] }[];
    expect(last.at(-1)!.rows).toEqual([
      { name: 'Chair', in_stock: '4' },
      { name: 'Lamp', in_stock: '9' },
    ]);
    expect((await db.query(`select update_product_inventory() as changed`)).rows).toEqual([{ changed: '0' }]);
  }));

test('every name in docs/from-the-requirements.md exists', async () => {
  const page = readFileSync('docs/from-the-requirements.md', 'utf8');
  const names = [...page.matchAll(/(table|view|function) `tideway\.(\w+)`/g)].map(([, kind, name]) => ({ kind, name }));
  expect(names.length).toBeGreaterThan(40);
  const { rows } = await pool.query(
    `select n.kind, n.name from jsonb_to_recordset($1) as n (kind text, name text)
      where not exists (select from pg_class c where c.relnamespace = 'tideway'::regnamespace and c.relname = n.name
                           and (n.kind = 'view' and c.relkind = 'v' or n.kind = 'table' and c.relkind in ('r', 'p')))
        and not exists (select from pg_proc p where p.pronamespace = 'tideway'::regnamespace and p.proname = n.name and n.kind = 'function')
      order by 1, 2`,
    [JSON.stringify(names)],
  );
  expect(rows).toEqual([]);
});
