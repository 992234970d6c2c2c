import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { CONNECTORS } from '../../src/connectors/registry.ts';
import { systemRow } from '../../src/connectors/system-row.ts';
import { storeSystems } from '../../src/sql/connections/store-systems.ts';
import { openDatabase } from '../../src/sql/database.ts';
import { useDatabase } from '../support/database.ts';

const { rolledBack, url } = useDatabase();

beforeAll(async () => {
  const session = openDatabase({ url, part: 'test', connections: 1 });
  await storeSystems(
    session,
    [...CONNECTORS].map(([system, connector]) => systemRow(system, connector)),
  );
  await session.end();
});

const pages = readdirSync('docs/systems').map((file) => file.replace(/\.md$/, ''));
const pageOf = (system: string): string => readFileSync(`docs/systems/${system}.md`, 'utf8');

test('every system but the one of the demo has a page', () => {
  const known = [...CONNECTORS.keys()].filter((system) => system !== 'plain');
  expect(pages.map((page) => page.replaceAll('-', '_')).sort()).toEqual(known.sort());
});

describe.each(pages.map((page) => [page] as const))('docs/systems/%s.md', (page) => {
  const system = page.replaceAll('-', '_');

  test('its statements run in their order, and end with an active mapping that has no error', () =>
    rolledBack(async (db) => {
      for (const [, sql = ''] of pageOf(page).matchAll(/```sql\n([^]*?)```/g)) await db.query(sql);
      const { rows } = await db.query(
        `select c.system, m.state, (select array_agg(v.problem) from tideway.validate_mapping(m.name) v where v.severity = 'error') as errors
           from tideway.mappings m join tideway.connections c on c.id = m.connection_id`,
      );
      expect(rows).toContainEqual({ system, state: 'pending', errors: null });
    }));

  test('it explains every setting', () => {
    const schema = systemRow(system, CONNECTORS.get(system)!).settings_schema as { properties?: object };
    const missing = Object.keys(schema.properties ?? {}).filter((name) => !pageOf(page).includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });
});
