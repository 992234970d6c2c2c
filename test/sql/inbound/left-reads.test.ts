import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { begun, type Engine, type Json, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

interface Started {
  readonly run_id: string;
  readonly cursor: Json;
}

const START = `select run_id, cursor from tideway_private.start_read($1, $2, 'delta', true, true)`;

/** A first read that stopped after its first page, because its owner is gone. */
async function aLeftRead() {
  const map = await engine.aMapping({ table: 'id integer primary key', direction: 'pull', read: false });
  const { run_id } = await engine.one<Started>(START, [map.number, map.epoch]);
  await map.page([{ id: 'r1', fields: { Id: 1 } }], { run: run_id, cursor: { page: 2 } });
  const { before } = await map.takeOver('second');
  return { map, run_id, before };
}

test('the next owner takes a read up at its page before anybody has found out that the last one is gone', async () => {
  const { map, run_id } = await aLeftRead();
  expect(await engine.one(START, [map.number, map.epoch])).toEqual({ run_id, cursor: { page: 2 } });
});

test('the next owner takes a read up at its page while somebody is finding out that the last one is gone', async () => {
  const { map, run_id } = await aLeftRead();
  const keeper = await database.client('tideway_daemon');
  await keeper.query('begin');
  expect((await keeper.query('select tideway_private.interrupt_runs() as n')).rows).toEqual([{ n: 1 }]);
  const start = await begun(engine, engine.daemon, START, [map.number, map.epoch]);
  await keeper.query('commit');
  expect((await start.end).rows).toEqual([{ run_id, cursor: { page: 2 } }]);
  expect(
    await engine.all('select id, status, rows_created from tideway.sync_runs where mapping_id = $1 and kind = $2', [
      map.id,
      'full',
    ]),
  ).toEqual([{ id: run_id, status: 'running', rows_created: '1' }]);
});

test('what the last owner says of a read that another has taken up counts no more', async () => {
  const { map, run_id, before } = await aLeftRead();
  await engine.one(START, [map.number, map.epoch]);
  const end = 'select tideway_private.finish_read($1, $2, $3) as counts';
  const place = () => engine.one('select cursor from tideway_private.cursors where mapping = $1', [map.number]);
  expect(await engine.one(end, [run_id, before, 'failed'])).toEqual({ counts: null });
  expect(await engine.one('select status from tideway.sync_runs where id = $1', [run_id])).toEqual({
    status: 'running',
  });
  expect(await place()).toEqual({ cursor: { page: 2 } });
  expect(await engine.one(end, [run_id, map.epoch, 'failed'])).toMatchObject({ counts: { status: 'failed' } });
  expect(await place()).toBeUndefined();
});
