import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { demoSteps } from '../../src/cli/demo-steps.ts';
import { CONNECTORS } from '../../src/connectors/registry.ts';
import { systemRow } from '../../src/connectors/system-row.ts';
import { storeSystems } from '../../src/sql/connections/store-systems.ts';
import { openDatabase } from '../../src/sql/database.ts';
import { useDatabase } from '../support/database.ts';

const { pool, url } = useDatabase();
const readme = readFileSync('README.md', 'utf8');

/** The tour is pasted into the demo's database. */
beforeAll(async () => {
  const session = openDatabase({ url, part: 'test', connections: 1 });
  await storeSystems(
    session,
    [...CONNECTORS].map(([system, connector]) => systemRow(system, connector)),
  );
  for (const { statement } of demoSteps('http://127.0.0.1:4001')) await session.unsafe(statement);
  await session.end();
});

test('every statement of the tour works, in its order', async () => {
  const blocks = [...readme.matchAll(/```sql\n([^]*?)```/g)].map(([, sql = '']) => sql);
  expect(blocks.length).toBeGreaterThan(5);
  const seen = new Map<string, Record<string, unknown>[]>();
  for (const statement of blocks.flatMap((block) => block.split(/;\n/)).filter((text) => text.trim() !== '')) {
    const { rows } = await pool.query<Record<string, unknown>>(statement);
    seen.set(/tideway\.(\w+)/.exec(statement)?.[1] ?? statement, rows);
  }
  expect(seen.get('explain_mapping')?.length).toBeGreaterThan(3);
  expect(seen.get('mappings')).toEqual(
    expect.arrayContaining([expect.objectContaining({ name: 'customers', state: 'pending', direction: 'both' })]),
  );
  expect(JSON.stringify(seen.get('export_config'))).toContain('customers');
  const { rows } = await pool.query('select from customers');
  expect(rows).toHaveLength(2);
});

test('every file that the README leads to exists', () => {
  const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path = '']) => path);
  expect(links.filter((path) => !existsSync(path))).toEqual([]);
});
