import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

/** One record through a mapping of one column: what the row holds as text, or the codes of its errors. */
const pull = async (columnType: string, value: unknown, column: { type?: string; in?: string } = {}, raw?: string) => {
  const map = await engine.aMapping({
    table: `id integer primary key, v ${columnType}`,
    columns: ['id', { local: 'v', ...column }],
    direction: 'pull',
  });
  const result = await map.page([raw ?? JSON.stringify({ id: 'r1', fields: { Id: 1, V: value }, position: 1 })]);
  expect(result.read).toBe(1);
  const row = await engine.one<{ v: string | null } | undefined>(
    `select v::text as v from ${map.table}`,
    [],
    engine.owner,
  );
  const errors = (await map.errors()).map((error) => `${error.severity} ${error.column ?? ''} ${error.code}`);
  // What was stored is what the link knows, so the same record changes nothing.
  const again = await map.page([raw ?? JSON.stringify({ id: 'r1', fields: { Id: 1, V: value }, position: 1 })]);
  expect({ created: again.created, updated: again.updated }).toEqual({ created: 0, updated: 0 });
  return errors.length > 0 ? { v: row?.v, errors } : row?.v;
};

test.each([
  ['text', 'a', 'a'],
  ['text', '', ''],
  ['text', ' padded ', ' padded '],
  ['text', null, null],
  ['text', 12, '12'],
  ['text', true, 'true'],
  ['text', { a: [1] }, '{"a": [1]}'],
  ['integer', 7, '7'],
  ['integer', '7', '7'],
  ['integer', ' 7 ', '7'],
  ['integer', '', null],
  ['integer', '   ', null],
  ['integer', 7.0, '7'],
  ['bigint', '9223372036854775807', '9223372036854775807'],
  ['numeric(10,2)', '10.5', '10.50'],
  ['numeric', '12345678901234567890.123456789', '12345678901234567890.123456789'],
  ['double precision', 0.1, '0.1'],
  ['boolean', true, 'true'],
  ['boolean', 'yes', 'true'],
  ['boolean', 0, 'false'],
  ['date', '2026-02-28', '2026-02-28'],
  ['timestamptz', '2026-03-29T02:30:00+01:00', '2026-03-29 01:30:00+00'],
  ['timestamptz', '2026-10-25T02:30:00.123456Z', '2026-10-25 02:30:00.123456+00'],
  ['uuid', '6F9619FF-8B86-D011-B42D-00CF4FC964FF', '6f9619ff-8b86-d011-b42d-00cf4fc964ff'],
  ['varchar(3)', 'abc', 'abc'],
  ['char(3)', 'ab', 'ab'],
  ['jsonb', { b: 1, a: [null, 'x'] }, '{"a": [null, "x"], "b": 1}'],
  ['jsonb', null, null],
  ['json', [1, 2], '[1, 2]'],
  ['text[]', ['a', 'b,c', 'd"e', null, ''], '{a,"b,c","d\\"e",NULL,""}'],
  ['text[]', 'single', '{single}'],
  ['text[]', [], '{}'],
  ['integer[]', [1, 2], '{1,2}'],
  ['time', '12:34:56', '12:34:56'],
  ['interval', '1 day 02:00:00', '1 day 02:00:00'],
  ['inet', '10.0.0.1/8', '10.0.0.1/8'],
])('a pull stores a %s from %j', async (type, value, stored) => {
  expect(await pull(type, value)).toBe(stored);
});

test('a money column takes an amount, and a bytea column what PostgreSQL reads', async () => {
  expect(await pull('money', '12.50', { type: 'number' })).toMatch(/12.50/);
  expect(await pull('bytea', '\\x00ff', { type: 'string' }).catch(() => 'refused by map')).toBe('refused by map');
});

test('a moment without a zone is UTC in a column without one', async () => {
  expect(await pull('timestamp', '2026-07-01T12:00:00+02:00', { type: 'date-time' })).toBe('2026-07-01 10:00:00');
  expect(await pull('date', '2026-07-01T23:30:00-05:00', { type: 'date-time' })).toBe('2026-07-02');
  expect(await pull('timestamptz', '2026-07-01', { type: 'date' })).toBe('2026-07-01 00:00:00+00');
});

test('an enum, a domain and a range are stored, and what they refuse is a warning of the column', async () => {
  await engine.owner.query(
    `create type shop.mood as enum ('good', 'bad'); create domain shop.code as text check (value ~ '^[A-Z]+$')`,
  );
  expect(await pull('shop.mood', 'good', { type: 'string' })).toBe('good');
  expect(await pull('shop.mood', 'odd', { type: 'string' })).toEqual({
    v: null,
    errors: ['warning v VALIDATION_ERROR'],
  });
  expect(await pull('shop.code', 'ABC', { type: 'string' })).toBe('ABC');
  expect(await pull('shop.code', 'abc', { type: 'string' })).toEqual({
    v: null,
    errors: ['warning v VALIDATION_ERROR'],
  });
  expect(await pull('int4range', '[1,5)', { type: 'string' })).toBe('[1,5)');
});

test.each([
  ['integer', 'seven', 'NUMERIC_OUT_OF_RANGE'],
  ['integer', 7.5, 'NUMERIC_OUT_OF_RANGE'],
  ['integer', '99999999999', 'NUMERIC_OUT_OF_RANGE'],
  ['smallint', 40000, 'NUMERIC_OUT_OF_RANGE'],
  ['numeric(4,2)', '12345.6', 'NUMERIC_OUT_OF_RANGE'],
  ['boolean', 'perhaps', 'VALIDATION_ERROR'],
  ['date', '2026-02-30', 'DATE_OUT_OF_RANGE'],
  ['date', 'infinity', 'DATE_OUT_OF_RANGE'],
  ['timestamptz', '-infinity', 'DATE_OUT_OF_RANGE'],
  ['timestamp', 'infinity', 'DATE_OUT_OF_RANGE'],
  ['uuid', 'not-a-uuid', 'VALIDATION_ERROR'],
  ['varchar(3)', 'abcd', 'VALUE_TOO_LONG'],
  ['char(3)', 'abcd', 'VALUE_TOO_LONG'],
  ['varchar(2)[]', ['abc'], 'VALIDATION_ERROR'],
  ['integer[]', ['x'], 'VALIDATION_ERROR'],
  ['integer[]', [[1], [2]], null],
])('a %s from %j is a warning of its column, and the rest of the record is stored', async (type, value, code) => {
  const result = await pull(type, value);
  expect(result).toMatchObject({
    v: null,
    errors: [expect.stringMatching(code === null ? /^warning v / : `^warning v ${code}$`)],
  });
});

test('a bad value in a required column fails the record alone, with its row and column', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer not null, w text', direction: 'pull' });
  const result = await map.page([
    { id: 'a', fields: { Id: 1, V: 'x', W: 'w' }, position: 11 },
    { id: 'b', fields: { Id: 2, V: null, W: 'w' }, position: 12 },
    { id: 'c', fields: { Id: 3, W: 'w' }, position: 13 },
    { id: 'd', fields: { Id: 4, V: 4, W: 'w' }, position: 14 },
    { id: 'e', fields: { Id: 'no key', V: 5, W: 'w' }, position: 15 },
    { id: 'f', fields: { Id: null, V: 6, W: 'w' }, position: 16 },
  ]);
  expect(result).toMatchObject({ created: 1, failed: 5 });
  expect(await map.rows()).toEqual([{ id: 4, v: 4, w: 'w' }]);
  const errors = await map.errors();
  expect(
    errors.filter((error) => error.severity === 'error').map((error) => [error.remote_id, error.row, error.column]),
  ).toEqual([
    ['a', 11, 'v'],
    ['b', 12, 'v'],
    ['c', 13, 'v'],
    ['e', 15, 'id'],
    ['f', 16, 'id'],
  ]);
  expect(errors.find((error) => error.remote_id === 'b')?.message).toBe("Missing required field 'v'");
  expect((await map.rereads()).map((reread) => reread.remote_id)).toEqual(['a', 'b', 'c', 'e', 'f']);
});

test('a value that turns bad in an existing row leaves what the row holds', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer, w text', direction: 'pull' });
  await map.page([{ id: 'a', fields: { Id: 1, V: 1, W: 'w' } }]);
  expect(await map.page([{ id: 'a', fields: { Id: 1, V: 'x', W: 'w2' } }])).toMatchObject({ updated: 1 });
  expect(await map.rows()).toEqual([{ id: 1, v: 1, w: 'w2' }]);
  expect(await map.errors()).toEqual([expect.objectContaining({ column: 'v', severity: 'warning' })]);
  await map.page([{ id: 'a', fields: { Id: 1, V: 3, W: 'w2' } }]);
  expect(await map.rows()).toEqual([{ id: 1, v: 3, w: 'w2' }]);
  expect(await map.errors()).toEqual([]);
});

test('what a database cannot store at all is an error of its record, never of the page', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v text, j jsonb', direction: 'pull' });
  const deep = '['.repeat(20_000) + ']'.repeat(20_000);
  const result = await map.page([
    '{"id": "nul", "position": 1, "fields": {"Id": 1, "V": "a\\u0000b"}}',
    '{"id": "half", "position": 2, "fields": {"Id": 2, "V": "\\ud800"}}',
    `{"id": "deep", "position": 3, "fields": {"Id": 3, "J": ${deep}}}`,
    '{"id": "broken", "position": 4, "fields": {"Id": 4, "V": ',
    '{"id": "fine", "position": 5, "fields": {"Id": 5, "V": "\\ud83d\\ude00"}}',
  ]);
  expect(result).toMatchObject({ created: 1, failed: 4 });
  expect(await map.rows()).toEqual([{ id: 5, v: '😀', j: null }]);
  expect((await map.errors()).map((error) => [error.remote_id, error.code, error.row]).sort()).toEqual([
    ['broken', 'INVALID_ENCODING', 4],
    ['deep', 'PAYLOAD_TOO_LARGE', 3],
    ['half', 'INVALID_ENCODING', 2],
    ['nul', 'INVALID_CHARACTER', 1],
  ]);
});

test('numbers beyond double precision keep every digit on both ways', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v numeric, w bigint',
    columns: ['id', { local: 'v', type: 'number' }, { local: 'w', type: 'number' }],
  });
  await map.page(['{"id": "r1", "fields": {"Id": 1, "V": 12345678901234567890.123456789, "W": 9007199254740993}}']);
  expect(await map.rows()).toEqual([{ id: 1, v: '12345678901234567890.123456789', w: '9007199254740993' }]);
  await map.page(['{"id": "r2", "fields": {"Id": 2, "V": 1e400, "W": 1}}']);
  expect((await map.rows())[1]).toMatchObject({ id: 2, v: `1${'0'.repeat(400)}` });
  await engine.owner.query(`update ${map.table} set v = v + 1, w = w + 2 where id = 1`);
  await map.mark(['1']);
  expect((await map.push()).map((item) => item.payload)).toEqual([
    { V: '12345678901234567891.123456789', W: '9007199254740995' },
  ]);
});

test('infinite dates of a row do not stop its push', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, d date, t timestamptz, n numeric, f double precision',
  });
  await engine.owner.query(
    `insert into ${map.table} values (1, 'infinity', '-infinity', 'NaN', 'Infinity'), (2, '2026-01-01', '2026-01-01Z', 1, 1)`,
  );
  await map.mark(['1', '2']);
  const items = await map.push();
  expect(items.find((item) => item.local_key === '2')?.payload).toMatchObject({ D: '2026-01-01' });
});

test.each([
  ['trim', ' a\t', 'text', 'a'],
  ['upper', 'ab', 'text', 'AB'],
  ['lower', 'AB', 'text', 'ab'],
  ['title', 'ann smith', 'text', 'Ann Smith'],
  ['empty_to_null', '  ', 'text', null],
  ['empty_to_null', 'a', 'text', 'a'],
  ['null_to_empty', null, 'text', ''],
  ['digits', '(030) 12-3', 'text', '030123'],
  ['boolean_words', 'Ja', 'boolean', 'true'],
  ['boolean_words', 'inactive', 'boolean', 'false'],
  ['currency', '$1,234.50', 'numeric', '1234.50'],
  ['currency', '1.234,50 €', 'numeric', '1234.50'],
  ['currency', '(12.00)', 'numeric', '-12.00'],
  ['currency', '1,234', 'numeric', '1234'],
  ['currency', '-5', 'numeric', '-5'],
  ['currency', 'free', 'numeric', null],
  ['number', '1 234', 'numeric', '1234'],
  ['percent', '12.5%', 'numeric', '0.12500000000000000000'],
  ['date:DD/MM/YYYY', '31/01/2026', 'date', '2026-01-31'],
  ['date_time:YYYY-MM-DD HH24:MI', '2026-01-31 10:20', 'timestamptz', '2026-01-31 10:20:00+00'],
  ['epoch_seconds', 1767225600, 'timestamptz', '2026-01-01 00:00:00+00'],
  ['epoch_milliseconds', 1767225600123, 'timestamptz', '2026-01-01 00:00:00.123+00'],
  ['path:address.city', { address: { city: 'Bonn' } }, 'text', 'Bonn'],
  ['path:0', ['x', 'y'], 'text', 'x'],
  ['path:none', { a: 1 }, 'text', null],
  ['first', ['x', 'y'], 'text', 'x'],
  ['first', [], 'text', null],
  ['join:, ', ['x', 'y'], 'text', 'x, y'],
  ['split:;', 'x;y', 'text[]', '{x,y}'],
  ['constant:"EU"', 'whatever', 'text', 'EU'],
  ['constant:EU', 'whatever', 'text', 'EU'],
  ['trim|upper|empty_to_null', ' a ', 'text', 'A'],
])('the transform %s makes of %j in a %s: %j', async (transform, value, type, stored) => {
  expect(await pull(type, value, { in: transform })).toBe(stored);
});

test.each([
  ['boolean_to_yes_no', 'boolean', 'true', 'Yes'],
  ['boolean_to_t_f', 'boolean', 'false', 'F'],
  ['boolean_to_1_0', 'boolean', 'true', 1],
  ['format_date:DD.MM.YYYY', 'date', "'2026-01-31'", '31.01.2026'],
  ['split:,', 'text', "'a,b'", ['a', 'b']],
  ['upper', 'text', "'a'", 'A'],
])('the out transform %s writes a %s %s as %j', async (transform, type, local, shown) => {
  const map = await engine.aMapping({
    table: `id integer primary key, v ${type}`,
    columns: ['id', { local: 'v', type: 'string', out: transform }],
    direction: 'push',
  });
  await engine.owner.query(`insert into ${map.table} values (1, ${local})`);
  await map.mark(['1']);
  expect((await map.push())[0]?.payload).toMatchObject({ V: shown });
});

test('a built-in transform that cannot read its value is an error of the row, not of the page', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, v date',
    columns: ['id', { local: 'v', in: 'date:DD/MM/YYYY' }],
    direction: 'pull',
  });
  const result = await map.page([
    { id: 'a', fields: { Id: 1, V: '31/01/2026' } },
    { id: 'b', fields: { Id: 2, V: 'soon' } },
    { id: 'c', fields: { Id: 3, V: '32/01/2026' } },
  ]);
  expect(result).toMatchObject({ created: expect.any(Number) as number });
  expect(await map.rows()).toContainEqual(expect.objectContaining({ id: 1 }));
  expect((await map.errors()).map((error) => [error.remote_id, error.column])).toEqual([
    ['b', 'v'],
    ['c', 'v'],
  ]);
});

test("a user's transform that raises is an error of its row and column, found by halving, never a failed page", async () => {
  await engine.owner.query(`create function shop.picky(v jsonb) returns jsonb language plpgsql as $$
    begin if v = '"bad"' then raise exception 'I do not take this'; end if; return to_jsonb(upper(v #>> '{}')); end $$`);
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    columns: ['id', { local: 'v', in: 'shop.picky' }],
    direction: 'pull',
  });
  const records = Array.from({ length: 40 }, (_, n) => ({
    id: `r${String(n)}`,
    fields: { Id: n, V: n % 17 === 3 ? 'bad' : 'good' },
  }));
  const result = await map.page(records);
  expect(result).toMatchObject({ read: 40, created: 40 });
  expect((await map.errors()).map((error) => [error.remote_id, error.column, error.class])).toEqual([
    ['r20', 'v', 'TRANSFORM_ERROR'],
    ['r3', 'v', 'TRANSFORM_ERROR'],
    ['r37', 'v', 'TRANSFORM_ERROR'],
  ]);
  expect((await map.rows())[0]).toMatchObject({ v: 'GOOD' });
});

test("a user's out transform that raises is an error of its row; the other rows of the batch are sent", async () => {
  await engine.owner.query(`create function shop.picky_out(v jsonb) returns jsonb language plpgsql as $$
    begin if v = '"bad"' then raise exception 'I do not write this'; end if; return v; end $$`);
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    columns: ['id', { local: 'v', out: 'shop.picky_out' }],
    direction: 'push',
  });
  await engine.owner.query(
    `insert into ${map.table} select n, case n when 5 then 'bad' else 'good' end from generate_series(1, 9) n`,
  );
  await map.mark(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  expect((await map.push()).map((item) => item.local_key).sort()).toEqual(['1', '2', '3', '4', '6', '7', '8', '9']);
  expect(await map.errors()).toEqual([
    expect.objectContaining({ local_key: '5', direction: 'push', class: 'TRANSFORM_ERROR', column: 'v' }),
  ]);
});

test('hostile names of tables, columns and fields are only names', async () => {
  await engine.owner.query(
    `create table shop."na""me; drop table x;--" ("i'd" integer primary key, "a ""b'" text, "__proto__" text, "select" text)`,
  );
  const map = await engine.aMapping({
    table: '',
    of: `shop."na""me; drop table x;--"`,
    columns: [
      { local: "i'd", remote: "I'd \\ %s $1" },
      { local: `a "b'`, remote: `A "B' 😀` },
      { local: '__proto__', remote: '__proto__' },
      { local: 'select', remote: 'Select' },
    ],
  });
  await map.page([`{"id": "r1", "fields": {"I'd \\\\ %s $1": 1, "A \\"B' 😀": "x", "__proto__": "p", "Select": "s"}}`]);
  expect(await engine.all(`select row_to_json(t)::text as t from ${map.table} t`, [], engine.owner)).toEqual([
    { t: `{"i'd":1,"a \\"b'":"x","__proto__":"p","select":"s"}` },
  ]);
  await engine.owner.query(`update ${map.table} set "select" = 'new'`);
  await map.mark(['1']);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ Select: 'new' }]);
});
