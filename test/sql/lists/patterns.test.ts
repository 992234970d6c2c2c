import { expect, test } from 'vitest';
import { aMapping } from '../../support/a-mapping.ts';
import { useDatabase } from '../../support/database.ts';

const { rolledBack } = useDatabase();

const columns = JSON.stringify([
  { local: 'status', remote: 'Status', field: 'status', local_type: 'text' },
  { local: 'list_price', remote: 'price', field: 'price', local_type: 'numeric' },
  { local: 'updated_at', remote: 'Updated', field: 'updated', local_type: 'timestamp with time zone' },
  { local: 'o"dd', remote: "it's", field: 'odd', local_type: 'text' },
]);

const cases: readonly (readonly [title: string, filter: object, predicate: string])[] = [
  ['nothing', {}, 'true'],
  ['a list', { status: ['active', 'draft'] }, `(r.status in ('active'::text, 'draft'::text))`],
  ['a list with null', { status: ['active', null] }, `(r.status in ('active'::text) or r.status is null)`],
  ['an empty list', { status: [] }, `(false)`],
  [
    'bounds by the remote name',
    { priceMin: 10, priceMax: 1000 },
    `r.list_price <= '1000'::numeric and r.list_price >= '10'::numeric`,
  ],
  [
    'moments',
    { updatedAfter: '2024-01-01T00:00:00Z' },
    `r.updated_at > '2024-01-01T00:00:00Z'::timestamp with time zone`,
  ],
  ['null', { Status: null }, `r.status is null`],
  ['text that looks like SQL', { status: `x' or true --` }, `r.status = 'x'' or true --'::text`],
  ['a name that looks like SQL', { "it's": 'a\\b' }, `r."o""dd" = E'a\\\\b'::text`],
];

test.each(cases)('a filter of %s', (_title, filter, predicate) =>
  rolledBack(async (db) => {
    const { rows } = await db.query(`select tideway_private.pattern_predicate($1, $2, 'r') as predicate`, [
      filter,
      columns,
    ]);
    expect(rows).toEqual([{ predicate }]);
  }),
);

test.each([
  [{ category: 'x' }, 'category', 'list_price, o"dd, status, updated_at'],
  [{ 'status; drop table x': 1 }, 'status; drop table x', 'status'],
  [{ priceMin: 'cheap' }, "'cheap'", 'numeric'],
  [{ priceMin: [1] }, 'one value', 'updatedAfter'],
  [{ status: { a: 1 } }, 'a list of values', 'updatedAfter'],
])('%j is refused by name, with the mend', (filter, message, hint) =>
  rolledBack(async (db) => {
    const refusal = db.query(`select tideway_private.pattern_predicate($1, $2, 'r')`, [filter, columns]);
    await expect(refusal).rejects.toMatchObject({
      code: 'TWPAT',
      message: expect.stringContaining(message) as string,
      hint: expect.stringContaining(hint) as string,
    });
  }),
);

test('a pattern that is changed makes its mappings look again, and may not name what they do not map', () =>
  rolledBack(async (db) => {
    const mapping = await aMapping(db, { pattern: 'Active' });
    await db.query(`select tideway.save_pattern('Active', '{"status": ["active"]}', 'netsuite-to-shopify')`);
    await db.query(
      `select tideway.save_pattern('Active', '{"status": ["active"], "priceMin": 5}', 'netsuite-to-shopify')`,
    );
    const { rows } = await db.query(`select mapping, args from tideway_private.requests where kind = 'refilter'`);
    expect(rows).toEqual(Array(2).fill({ mapping: mapping.number, args: { reason: 'pattern', pattern: 'Active' } }));
    expect((await db.query(`select tideway_private.mapping_predicate($1, 'r') as p`, [mapping.number])).rows).toEqual([
      { p: `r.price >= '5'::numeric and (r.status in ('active'::text))` },
    ]);
    await expect(db.query(`select tideway.save_pattern('Active', '{"colour": "red"}')`)).rejects.toMatchObject({
      code: 'TWPAT',
    });
  }));
