import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { defineProducts } from '../../support/products.ts';

const database = useDatabase();
const { pool } = database;
beforeAll(() => defineProducts(pool));

test('an error that somebody records is counted, found, retried and resolved', () =>
  database.rolledBack(async (db) => {
    const record = `select tideway.record_sync_error('products', 'API_ERROR', 'the warehouse said no', $1, 'stock', retryable => true) as id`;
    const first = await db.query<{ id: string }>(record, ['42']);
    const second = await db.query<{ id: string }>(record, ['"042"']);
    expect(second.rows).toEqual(first.rows);

    const { rows } = await db.query(
      `select local_key, code, attempts, "column" from tideway.get_sync_errors('products', 'API_ERROR')`,
    );
    expect(rows).toEqual([{ local_key: '42', code: 'RECORDED', attempts: 2, column: 'stock' }]);
    expect((await db.query('select tideway.retry_failed_sync() as rows')).rows).toEqual([{ rows: 1 }]);

    await db.query('select tideway.resolve_sync_error($1, $2)', [first.rows[0]?.id, 'called them']);
    await db.query('select tideway.resolve_sync_error($1, $2)', [first.rows[0]?.id, 'too late']);
    expect((await db.query('select from tideway.get_sync_errors()')).rowCount).toBe(0);
    const resolved = await db.query(
      `select resolved_by = coalesce(tideway.current_user_id(), current_user) as mine, resolution_notes from tideway.get_sync_errors(include_resolved => true)`,
    );
    expect(resolved.rows).toEqual([{ mine: true, resolution_notes: 'called them' }]);
  }));

test.each([
  [`select tideway.resolve_sync_error(gen_random_uuid())`, 'TWERR'],
  [`select tideway.record_sync_error('products', 'BAD_LUCK', 'x')`, 'TWARG'],
  [`select tideway.record_sync_error('products', 'API_ERROR', '')`, 'TWARG'],
  [`select * from tideway.get_sync_errors('prodcts')`, 'TWMAP'],
  [`select * from tideway.get_sync_errors(error_class => 'X')`, 'TWARG'],
  [`select tideway.retry_failed_sync(null, 'X')`, 'TWARG'],
])('%s is refused with %s and a hint', async (sql, code) => {
  await expect(pool.query(sql)).rejects.toMatchObject({ code, hint: expect.stringMatching(/\w/) as string });
});

test('docs/errors.md lists the classes and codes that have a suggestion, with it', async () => {
  const doc = readFileSync('docs/errors.md', 'utf8');
  const listed = (heading: string) =>
    [...(doc.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `([A-Z_]+)`.*\| (.*?) *\|$/gm)]
      .map(([, name, suggestion]) => `${name ?? ''}: ${suggestion?.replaceAll('\\|', '|') ?? ''}`)
      .sort();
  const { rows: classes } = await pool.query<{ line: string }>(
    `select error_class || ': ' || suggestion as line from tideway_private.error_classes`,
  );
  const { rows: codes } = await pool.query<{ line: string }>(
    `select code || ': ' || suggestion as line from tideway_private.error_codes`,
  );
  expect(listed('Classes')).toEqual(classes.map((row) => row.line).sort());
  expect(listed('Codes')).toEqual(codes.map((row) => row.line).sort());
});

test('every code belongs to a class, and the table takes every class', async () => {
  const { rows } = await pool.query(`
    select code from tideway_private.error_codes where error_class not in (select error_class from tideway_private.error_classes)`);
  expect(rows).toEqual([]);
  const { rows: refused } = await pool.query<{ definition: string }>(
    `select pg_get_constraintdef(oid) as definition from pg_constraint where conname = 'sync_errors_error_class_check'`,
  );
  const allowed = [...(refused[0]?.definition ?? '').matchAll(/'([A-Z_]+)'/g)].map(([, name]) => name).sort();
  const { rows: classes } = await pool.query<{ error_class: string }>(
    'select error_class from tideway_private.error_classes',
  );
  expect(classes.map((row) => row.error_class).sort()).toEqual(allowed);
});
