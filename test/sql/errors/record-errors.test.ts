import type { ClientBase } from 'pg';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { defineProducts } from '../../support/products.ts';

const database = useDatabase();
const { pool } = database;
let products = 0;
beforeAll(async () => {
  ({ products } = await defineProducts(pool));
});
beforeEach(() => pool.query('truncate tideway.sync_errors, tideway.sync_activity_log, tideway_private.requests'));

const record = async (direction: string, errors: object[], db: ClientBase | typeof pool = pool) =>
  db.query('select tideway_private.record_errors($1, null, $2, $3)', [products, direction, JSON.stringify(errors)]);
const close = async (
  direction: string,
  localKeys: string[],
  remoteIds: string[],
  db: ClientBase | typeof pool = pool,
) => db.query('select tideway_private.close_errors($1, $2, $3, $4)', [products, direction, localKeys, remoteIds]);
const open = async () =>
  (
    await pool.query<Record<string, unknown>>(
      `select local_key, remote_id, "row"::int as row, "column", error_class, code, severity, message, suggestion, attempts
         from tideway.sync_errors where resolved_at is null order by first_seen_at, row_identity collate "C", "column"`,
    )
  ).rows;
const failure = { class: 'VALIDATION_ERROR', code: 'VALUE_TOO_LONG', message: 'too long' };

test('a failure that repeats is one open error that counts', async () => {
  await record('pull', [{ ...failure, remote_id: 'a', column: 'name' }]);
  await record('pull', [{ ...failure, remote_id: 'a', column: 'name', message: 'still too long' }]);
  expect(await open()).toEqual([
    expect.objectContaining({
      remote_id: 'a',
      attempts: 2,
      message: 'still too long',
      suggestion: expect.stringMatching(/shorten/) as string,
    }),
  ]);
});

test('the same failure twice in one page counts once', async () => {
  await record('pull', [
    { ...failure, remote_id: 'a' },
    { ...failure, remote_id: 'a', message: 'the later' },
  ]);
  expect(await open()).toEqual([expect.objectContaining({ attempts: 1, message: 'the later' })]);
});

test('a local key and a remote id that look alike are different rows', async () => {
  await record('push', [
    { ...failure, local_key: '7', remote_id: '9' },
    { ...failure, local_key: '9' },
  ]);
  expect(await open()).toHaveLength(2);
});

test('records without an id are told apart by their position', async () => {
  await record('pull', [
    { ...failure, row: 5 },
    { ...failure, row: 6 },
  ]);
  expect((await open()).map((error) => error.row)).toEqual([5, 6]);
});

test('a class that nobody knows does not fail the page', async () => {
  await record('pull', [{ remote_id: 'a', class: 'ODD', code: 'ODD', message: 'odd' }]);
  expect(await open()).toEqual([expect.objectContaining({ error_class: 'INTERNAL', code: 'ODD' })]);
});

test('a failed record is logged once, with all its columns; a warned one is not', async () => {
  await record('pull', [
    { ...failure, remote_id: 'a', column: 'name' },
    { ...failure, remote_id: 'a', column: 'sku' },
    { ...failure, remote_id: 'b', column: 'name', severity: 'warning' },
  ]);
  const { rows } = await pool.query(
    'select record_id, status, action, jsonb_array_length(error_details) as columns from tideway.sync_activity_log',
  );
  expect(rows).toEqual([{ record_id: 'a', status: 'failed', action: 'pull', columns: 2 }]);
});

test('a later success closes the errors of that row and direction', async () => {
  await record('push', [
    { ...failure, local_key: '1' },
    { ...failure, local_key: '2' },
  ]);
  await record('pull', [{ ...failure, local_key: '1', remote_id: 'a' }]);
  await close('push', ['1'], []);
  expect((await open()).map((error) => [error.local_key, error.remote_id])).toEqual([
    ['2', null],
    ['1', 'a'],
  ]);
  const { rows } = await pool.query('select resolved_by from tideway.sync_errors where resolved_at is not null');
  expect(rows).toEqual([{ resolved_by: 'tideway' }]);
});

test('a warning stays while the row succeeds with it, and goes when it succeeds without', async () => {
  const db = await database.client();
  const warning = { ...failure, remote_id: 'a', column: 'name', severity: 'warning' };
  await db.query('begin');
  await record('pull', [warning], db);
  await close('pull', [], ['a'], db);
  await db.query('commit');
  expect(await open()).toHaveLength(1);
  await close('pull', [], ['a']);
  expect(await open()).toEqual([]);
});

test('a failure while somebody resolves the error neither waits nor gets lost', async () => {
  await record('push', [{ ...failure, local_key: '1' }]);
  const person = await database.client();
  await person.query('begin');
  await person.query('select tideway.resolve_sync_error(id) from tideway.sync_errors');

  const daemon = await database.client();
  await daemon.query(`set statement_timeout = '10 s'`);
  await record('push', [{ ...failure, local_key: '1', message: 'again' }], daemon);
  await person.query('commit');
  expect(await open()).toEqual([]);

  const { rows } = await pool.query<{ args: { direction: string; errors: object[] } }>(
    `select args from tideway_private.requests where kind = 'record_errors' and connection is not null`,
  );
  expect(rows).toHaveLength(1);
  await record(rows[0]?.args.direction ?? '', rows[0]?.args.errors ?? []);
  expect(await open()).toEqual([expect.objectContaining({ local_key: '1', message: 'again', attempts: 1 })]);
});
