import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { CONNECTORS } from '../../src/connectors/registry.ts';
import { systemRow } from '../../src/connectors/system-row.ts';
import { storeSystems } from '../../src/sql/connections/store-systems.ts';
import { openDatabase } from '../../src/sql/database.ts';
import { aMapping } from '../support/a-mapping.ts';
import { useDatabase } from '../support/database.ts';
import { fencedBlocks } from '../support/fenced-blocks.ts';

const { pool, rolledBack, url } = useDatabase();

const statements = (file: string) => fencedBlocks(readFileSync(file, 'utf8'));

/** The examples speak of a mapping "products" of the connection "products_account". */
beforeAll(async () => {
  const session = openDatabase({ url, part: 'test', connections: 1 });
  await storeSystems(
    session,
    [...CONNECTORS].map(([system, connector]) => systemRow(system, connector)),
  );
  await session.end();
  await aMapping(pool);
});

/** What the examples of pg_cron, pg_net and Supabase Vault call; a scheduled command is run at once. */
const EXTENSIONS = `
  create schema cron;
  create function cron.schedule(job_name text, schedule text, command text) returns bigint language plpgsql as $$
  begin execute command; return 1; end $$;
  create schema net;
  create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000)
  returns bigint language plpgsql as $$
  begin if headers ->> 'Authorization' is null then raise exception 'no token'; end if; return 1; end $$;
  create schema vault;
  create view vault.decrypted_secrets as select 'tideway_token' as name, 'tw_secret' as decrypted_secret;`;

/** What a reader of the page has already. */
const before: Readonly<Record<string, string>> = {
  'docs/postgrest.md': EXTENSIONS,
  'docs/http.md': `create role authenticated; create role tideway_login;
    select tideway.connect('base', 'airtable', '{"base_id": "appAbCdEfGhIjKlMn"}', 'env:AIRTABLE_TOKEN');`,
};

describe.each([
  ['docs/cookbook.md', (page: string) => page.slice(0, page.indexOf('\n## '))],
  ['docs/two-way.md', whole],
  ['docs/security.md', whole],
  ['docs/operations.md', whole],
  ['docs/scaling.md', whole],
  ['docs/postgrest.md', whole],
  ['docs/http.md', whole],
] as const)('%s', (file, part) => {
  test('its statements run, in their order', () =>
    rolledBack(async (db) => {
      await db.query(before[file] ?? '');
      const blocks = fencedBlocks(part(readFileSync(file, 'utf8')));
      expect(blocks.length).toBeGreaterThan(0);
      for (const sql of blocks) {
        await db.query(sql).catch((error: unknown) => {
          throw new Error(`${sql}\n${(error as Error).message}`, { cause: error });
        });
      }
    }));
});

function whole(page: string): string {
  return page;
}

describe('docs/dba-guide.md', () => {
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
