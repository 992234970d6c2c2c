import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { anApp, type Engine, type Json, useEngine } from '../../support/engine.ts';
import { fc } from '../../support/seed.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const year = 365 * 24 * 3_600_000;
const moment = fc.integer({ min: -60 * year, max: 130 * year }).map((ms) => new Date(ms).toISOString());

/** Pairs of types that lose nothing: column type, remote type, and values as Postgres takes them. */
const columns: Record<string, { column: string; type: string; value: fc.Arbitrary<Json> }> = {
  words: { column: 'text', type: 'string', value: fc.string({ unit: 'grapheme', minLength: 1 }) },
  short: {
    column: 'varchar(40)',
    type: 'string',
    value: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 }),
  },
  small: { column: 'integer', type: 'number', value: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
  large: { column: 'bigint', type: 'number', value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  exact: {
    column: 'numeric(38, 10)',
    type: 'number',
    value: fc.bigInt({ min: -(10n ** 27n), max: 10n ** 27n }).map((n) => `${String(n)}.0000000007`),
  },
  floating: { column: 'double precision', type: 'number', value: fc.double({ noNaN: true, noDefaultInfinity: true }) },
  yes: { column: 'boolean', type: 'boolean', value: fc.boolean() },
  flag: { column: 'smallint', type: 'boolean', value: fc.constantFrom(0, 1) },
  day: { column: 'date', type: 'date', value: moment.map((at) => at.slice(0, 10)) },
  instant: { column: 'timestamptz', type: 'date-time', value: moment },
  wall: { column: 'timestamp', type: 'date-time', value: moment.map((at) => at.slice(0, -1)) },
  tree: {
    column: 'jsonb',
    type: 'json',
    value: fc
      .jsonValue()
      .filter((v) => v !== null)
      .map((v) => JSON.stringify(v)),
  },
  list: {
    column: 'text[]',
    type: 'array',
    value: fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1 }),
  },
  id_of: { column: 'uuid', type: 'string', value: fc.uuid() },
  mail: { column: 'text', type: 'email-address', value: fc.constantFrom('a@example.com', 'b.c+d@example.org') },
};
const names = Object.keys(columns);
const storable = (text: string) => !text.includes('\\u0000') && !/\\ud[89a-f]/i.test(text);

test('what goes out and comes in again is the same value, for every pair of types that loses nothing', async () => {
  const table = `id integer primary key, ${names.map((name) => `${name} ${columns[name]?.column ?? ''}`).join(', ')}`;
  const mapped = [
    { local: 'id', type: 'number' },
    ...names.map((name) => ({ local: name, type: columns[name]?.type ?? 'string' })),
  ];
  const out = await engine.aMapping({ table, columns: mapped, direction: 'push' });
  const back = await engine.aMapping({ table, columns: mapped, direction: 'pull' });
  const row = fc
    .record(
      Object.fromEntries(
        names.map((name) => [name, fc.option(columns[name]?.value ?? fc.constant(null), { freq: 8 })]),
      ),
    )
    .filter((values) => storable(JSON.stringify(values)));

  let next = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 20, maxLength: 40 }), async (rows) => {
      const numbered = rows.map((values) => ({ id: (next += 1), ...values }));
      for (const values of numbered) {
        await engine.owner.query(
          `insert into ${out.table} (${Object.keys(values).join(', ')}) values (${Object.keys(values)
            .map((_, n) => `$${String(n + 1)}`)
            .join(', ')})`,
          Object.values(values),
        );
      }
      await out.mark(numbered.map(({ id }) => String(id)));
      const sent = await out.push(anApp().write);
      expect(sent).toHaveLength(numbered.length);
      // Over the wire and back: what JSON cannot carry would be lost here.
      const records = JSON.parse(
        JSON.stringify(sent.map((item) => ({ id: `r${item.local_key}`, fields: item.payload }))),
      ) as {
        id: string;
        fields: Record<string, Json>;
      }[];
      expect(await back.page(records)).toMatchObject({ created: numbered.length, failed: 0 });
      const { rows: lost } = await database.pool.query(
        `select * from ${out.table} where id = any ($1) except select * from ${back.table} where id = any ($1)`,
        [numbered.map(({ id }) => id)],
      );
      expect(lost).toEqual([]);
      expect(await back.errors()).toEqual([]);
    }),
    { numRuns: 8 },
  );
});
