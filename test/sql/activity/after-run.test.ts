import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
  await engine.owner.query(`
    create table shop.calls (run uuid, who name);
    create function shop.note(run uuid) returns void language sql as $$ insert into shop.calls values (run, current_user) $$;
    create function shop.fail() returns void language plpgsql as $$ begin raise exception 'no stock table'; end $$`);
});

const finish = async (run: string) => {
  await engine.daemon.query('select tideway_private.finish_run($1)', [run]);
  const { rows } = await database.pool.query<{ status: string; error: string | null }>(
    `select status, report ->> 'error' as error from tideway.sync_runs where id = $1`,
    [run],
  );
  return rows[0];
};

test('after_run is called once at the end of a run that wrote rows, as the role of the mapping', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key', options: { after_run: 'shop.note' } });
  const run = await map.aRun();
  await map.page([{ id: 'r1', fields: { Id: 1 } }], { run });
  expect(await finish(run)).toEqual({ status: 'completed', error: null });
  const idle = await map.aRun();
  await map.page([{ id: 'r1', fields: { Id: 1 } }], { run: idle });
  await finish(idle);
  const { rows } = await database.pool.query('select run, who from shop.calls');
  expect(rows).toEqual([{ run, who: 'tideway_test_owner' }]);
});

test('an after_run that raises leaves the rows and says so in the run', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key', options: { after_run: 'shop.fail' } });
  const run = await map.aRun();
  await map.page([{ id: 'r1', fields: { Id: 1 } }], { run });
  expect(await finish(run)).toEqual({ status: 'completed_with_errors', error: 'after_run: no stock table' });
  expect(await map.rows()).toEqual([{ id: 1 }]);
});
