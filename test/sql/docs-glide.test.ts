import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';

const { rolledBack } = useDatabase();

const page = readFileSync('docs/systems/glide.md', 'utf8');
const statements = [...page.matchAll(/```sql\n([^]*?)```/g)].map(([, sql]) => sql!.trim());

test('docs/systems/glide.md connects, discovers, maps and activates, in its order', () =>
  rolledBack(async (db) => {
    const activating = statements.findIndex((sql) => sql.includes('tideway.activate'));
    expect(activating).toBeGreaterThan(3);
    for (const sql of statements.slice(0, activating + 1)) await db.query(sql);
    const { rows } = await db.query(
      `select local, remote, type, direction, is_remote_id from tideway.mapping_columns order by local`,
    );
    expect(rows).toContainEqual({
      local: 'glide_row_id',
      remote: '$rowID',
      type: 'string',
      direction: 'pull',
      is_remote_id: true,
    });
    expect(rows).toHaveLength(6);
    for (const sql of statements.slice(activating + 1)) await db.query(sql);
  }));
