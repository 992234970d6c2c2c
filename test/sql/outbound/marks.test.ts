import { beforeAll, expect, test } from 'vitest';
import { Coalescer } from '../../../src/follow/coalescer.ts';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Mapping, useEngine, waitsForLock } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const table = 'id integer primary key, v integer';
const mark = (map: Mapping, keys: readonly string[], op = 1) =>
  engine.follow({ changes: keys.map((key) => ({ table: map.table, key, op })) });
const keysOf = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => String(from + n));

test('a large stretch waits for a mark that another session is about to commit, and is merged with it', async () => {
  const map = await engine.aMapping({ table });
  await mark(map, []);
  const other = await database.client('tideway_daemon');
  await other.query('begin');
  await other.query(`select tideway_private.mark_keys($1, '{700}')`, [map.number]);
  const marking = mark(map, keysOf(1, 1500));
  await waitFor(() => waitsForLock(engine, engine.daemon));
  await other.query('commit');
  await marking;
  const { rows } = await engine.pool.query<{ rows: number; both: string }>(
    `select count(*)::integer as rows, string_agg(local_key, ',') filter (where op = 5) as both from tideway_private.outbox where mapping = $1`,
    [map.number],
  );
  expect(rows).toEqual([{ rows: 1500, both: '700' }]);
});

test('keys reach the server as they are, whatever an array makes of their characters', async () => {
  const keys = ['a,b', '{x}', '"', '\\', '\\"', 'NULL', '', ' ', 'ö', "'", 'a\nb'];
  const pending = new Coalescer();
  const relation = { oid: 1, schema: 's', table: 't', identity: 'default', columns: ['k'], keyColumns: ['k'] } as const;
  const transaction = { xid: 4294967295, commitLsn: 1n, committedAt: 0 };
  const add = (key: string) => {
    pending.add({ kind: 'delete', relation, key: [key], oldKey: undefined, transaction });
  };
  const read = async () => {
    const { relations, keys: given, ops, xids } = pending.columns;
    const { rows } = await engine.pool.query(
      'select * from unnest($1::oid[], $2::text[], $3::smallint[], $4::bigint[]) as u (relation, key, op, xid)',
      [relations, given, ops, xids],
    );
    return rows as unknown;
  };
  expect(await read()).toEqual([]);
  for (const key of keys) add(key);
  expect(await read()).toEqual(keys.map((key) => ({ relation: 1, key, op: 2, xid: '4294967295' })));
  add('later');
  expect(await read()).toHaveLength(keys.length + 1);
});
