import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
  await engine.pool.query(`create table public.payroll (salary integer); insert into public.payroll values (4711)`);
});

/** What somebody's own SQL inside a mapping might try, and what must never come of it. */
const attempts: [string, string][] = [
  ['becomes the daemon', `set role tideway_daemon`],
  ['becomes a superuser', `set role postgres`],
  ['goes back to the session', `reset role`],
  ['sets the role as a setting', `perform set_config('role', 'tideway_daemon', false)`],
  ['sets the session', `set session authorization tideway_daemon`],
  ['reads a table that its owner may not read', `perform salary from public.payroll`],
  ['reads secrets', `perform secret from tideway_private.connection_secrets`],
  ['reads the links of all', `perform count(*) from tideway_private.links`],
  [
    'gives itself an organisation',
    `perform set_config('tideway.org_id', 'other', false); perform count(*) from tideway.connections`,
  ],
  ['writes a mark', `perform tideway_private.mark_keys(1, array['1'])`],
];

test.each(attempts)('a transform that %s fails its row, and the daemon stays who it is', async (what, sql) => {
  const name = `shop.f${String(attempts.findIndex(([title]) => title === what))}`;
  await engine.owner.query(
    `create function ${name}(v jsonb) returns jsonb language plpgsql as $$ begin ${sql}; return '"it worked"'; end $$`,
  );
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    columns: ['id', { local: 'v', in: name, out: name }],
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'a' } }]);
  expect(await engine.one('select current_user::text as who', [])).toEqual({ who: 'tideway_daemon' });
  expect((await map.rows()).filter((row) => row.v === 'it worked')).toEqual([]);
  expect((await map.errors()).map((error) => error.code)).toContain('TRANSFORM_ERROR');
  await engine.owner.query(`insert into ${map.table} values (2, 'b')`);
  await map.mark(['2']);
  expect(await map.push()).toEqual([]);
  expect(await engine.one('select current_user::text as who', [])).toEqual({ who: 'tideway_daemon' });
});

test.each(attempts)('a trigger that %s fails its row, and the daemon stays who it is', async (what, sql) => {
  const name = `shop.t_${String(attempts.findIndex(([title]) => title === what))}`;
  await engine.owner.query(
    `create function ${name}() returns trigger language plpgsql as $$ begin ${sql}; new.v := 'it worked'; return new; end $$`,
  );
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    prepare: `create trigger t before insert on {table} for each row execute function ${name}()`,
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 'a' } }]);
  expect(await map.rows()).toEqual([]);
  expect(await map.errors()).toHaveLength(1);
  expect(await engine.one('select current_user::text as who', [])).toEqual({ who: 'tideway_daemon' });
});

test.each(attempts)('a filter that %s fails its row, and the daemon stays who it is', async (what, sql) => {
  const name = `shop.p${String(attempts.findIndex(([title]) => title === what))}`;
  await engine.owner.query(
    `create function ${name}(v text) returns boolean language plpgsql as $$ begin ${sql}; return true; end $$`,
  );
  const map = await engine.aMapping({
    table: 'id integer primary key, v text',
    direction: 'push',
    options: { filter: `${name}(v)` },
  });
  await engine.owner.query(`insert into ${map.table} values (1, 'a')`);
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
  expect((await map.errors()).map((error) => [error.local_key, error.class])).toEqual([['1', 'TRANSFORM_ERROR']]);
  expect(await engine.one('select current_user::text as who', [])).toEqual({ who: 'tideway_daemon' });
});
