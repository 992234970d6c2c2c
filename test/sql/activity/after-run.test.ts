import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { begun, type Engine, useEngine, waitsForLock } from '../../support/engine.ts';
import { waitFor } from '../../support/wait-for.ts';

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

test('mappings that share an after_run take turns: the later call sees what the earlier run has written', async () => {
  await engine.owner.query(`
    create table shop.bought (id integer primary key);
    create table shop.sold (id integer primary key);
    create table shop.total (n bigint);
    insert into shop.total values (0);
    create function shop.sum_up(run uuid) returns void language plpgsql as $$
    declare
      v_n  bigint := (select count(*) from shop.bought) + (select count(*) from shop.sold);
    begin
      perform pg_advisory_xact_lock(hashtext(run::text));
      update shop.total set n = v_n;
    end $$`);
  const summed = (of: string) =>
    engine.aMapping({ table: 'id integer primary key', of, options: { after_run: 'shop.sum_up' } });
  const [bought, sold] = [await summed('shop.bought'), await summed('shop.sold')];
  const [first, second] = [await bought.aRun(), await sold.aRun()];
  const gate = await database.client();
  const [one, other] = [await database.client('tideway_daemon'), await database.client('tideway_daemon')];
  await bought.page([{ id: 'b1', fields: { Id: 1 } }], { run: first });

  // The first run's function has counted and is held up; the second run ends meanwhile.
  await gate.query('select pg_advisory_lock(hashtext($1))', [first]);
  const held = one.query('select tideway_private.finish_run($1)', [first]);
  await waitFor(() => waitsForLock(engine, one));
  await sold.page([{ id: 's1', fields: { Id: 1 } }], { run: second });
  const later = await begun(engine, other, 'select tideway_private.finish_run($1)', [second]);
  await gate.query('select pg_advisory_unlock(hashtext($1))', [first]);
  await Promise.all([held, later.end]);
  expect((await database.pool.query('select n from shop.total')).rows).toEqual([{ n: '2' }]);
});
