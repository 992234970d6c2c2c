import type pg from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { useLogins } from '../../support/logins.ts';

const database = useDatabase();
const { pool } = database;
const { login } = useLogins(database);

let owner: { role: string; client: pg.Client };
let other: { role: string; client: pg.Client };

const columns = `[{"local": "id", "remote": "Key"}, {"local": "name", "remote": "Name"}]`;
const mapped = (name: string, options = '{}', given = columns) =>
  `select tideway.map('${name}', 'shop', 'Products', 'public.products', '${given}', options => '${options}')`;
const runAs = async (name: string) =>
  (await pool.query<{ run_as: string }>('select run_as from tideway.mappings where name = $1', [name])).rows[0]?.run_as;

beforeAll(async () => {
  owner = await login('tideway_operator');
  other = await login('tideway_operator');
  await pool.query('create table public.products (id bigint primary key, name text)');
  await pool.query(`alter table public.products owner to ${owner.role}`);
  await pool.query(
    `create function public.loud(jsonb) returns jsonb language sql as 'select to_jsonb(upper($1 #>> ''{}''))'`,
  );
  await pool.query(`create function public.no_transform(jsonb) returns text language sql as 'select 1::text'`);
  await owner.client.query(`select tideway.connect('shop', 'glide', '{}', 'env:SHOP')`);
});

test('a mapping runs as the role that defined it', async () => {
  await owner.client.query(mapped('own'));
  expect(await runAs('own')).toBe(owner.role);
});

test('an operator cannot map a table that it has no rights on', async () => {
  await expect(other.client.query(mapped('foreign'))).rejects.toMatchObject({
    code: 'TWVAL',
    detail: expect.stringContaining(`grant select on public.products to ${other.role};`) as string,
  });
  expect(await runAs('foreign')).toBeUndefined();
});

test('a superuser defines for the owner, and never for itself', async () => {
  await pool.query(mapped('by_superuser'));
  expect(await runAs('by_superuser')).toBe(owner.role);
  const { rows } = await pool.query<{ name: string }>('select current_user as name');
  await expect(pool.query(mapped('super', JSON.stringify({ run_as: rows[0]?.name })))).rejects.toMatchObject({
    code: 'TWRTS',
    message: expect.stringContaining('superuser') as string,
  });
});

test('nobody lets a mapping run as a role that it may not become', async () => {
  await expect(other.client.query(mapped('borrowed', JSON.stringify({ run_as: owner.role })))).rejects.toMatchObject({
    code: 'TWRTS',
  });
});

test('SQL of their own is for owners of the table', async () => {
  await pool.query(`grant select, insert, update, delete on public.products to ${other.role}`);
  const transform = `[{"local": "id", "remote": "Key"}, {"local": "name", "remote": "Name", "in": "public.loud"}]`;
  await expect(other.client.query(mapped('f', '{"filter": "name is not null"}'))).rejects.toMatchObject({
    code: 'TWRTS',
  });
  await expect(other.client.query(mapped('t', '{}', transform))).rejects.toMatchObject({ code: 'TWRTS' });
  await other.client.query(mapped('plain'));
  expect(await runAs('plain')).toBe(other.role);
  await owner.client.query(mapped('f', '{"filter": "name is not null"}', transform));
  const { rows } = await pool.query(`select in_transform from tideway.mapping_columns where in_transform is not null`);
  expect(rows).toEqual([{ in_transform: 'public.loud' }]);

  await expect(other.client.query(mapped('f', '{"filter": "name is not null"}'))).rejects.toMatchObject({
    code: 'TWRTS',
  });
  expect(await runAs('f')).toBe(owner.role);
});

test('a transform must be a function (jsonb) returns jsonb', async () => {
  for (const name of ['public.no_transform', 'public.missing', 'tideway_private.compile', 'public.loud(text)']) {
    const given = JSON.stringify([{ local: 'id', remote: 'Key', in: name }]);
    await expect(owner.client.query(mapped('bad', '{}', given)), name).rejects.toMatchObject({
      code: 'TWCOL',
      detail: expect.stringContaining('neither a built-in transform nor a function (jsonb) returns jsonb') as string,
    });
  }
});

test('guards hold even for one who forges the sign of the functions', async () => {
  await other.client.query(`select set_config('tideway.defining', 'on', false)`);
  for (const sql of [
    `update tideway.mappings set run_as = '${other.role}', local_filter = 'true' where name = 'own'`,
    `update tideway.mappings set run_as = 'tideway_daemon' where name = 'plain'`,
    `update tideway.mappings set run_as = 'postgres' where name = 'plain'`,
    `update tideway.mapping_columns set in_transform = 'public.loud' where local = 'name'`,
    `update tideway_private.statements s set sql = 'select 1' from tideway.mappings m where m.number = s.mapping and m.name = 'own'`,
  ]) {
    await expect(other.client.query(sql), sql).rejects.toMatchObject({ code: 'TWRTS' });
  }
  await other.client.query(`select set_config('tideway.defining', '', false)`);
});

test('row security on the table stops the mapping with the mend', async () => {
  const guarded = await login('tideway_operator');
  await pool.query('create table public.guarded (id bigint primary key, name text)');
  await pool.query('alter table public.guarded enable row level security');
  await pool.query(`grant select, insert, update, delete on public.guarded to ${guarded.role}`);
  await expect(
    guarded.client.query(`select tideway.map('g', 'shop', 'Products', 'public.guarded', '${columns}')`),
  ).rejects.toMatchObject({ code: 'TWVAL', detail: expect.stringContaining('hidden rows for deleted ones') as string });
});

test('who may not publish the table changes nothing and is told what the owner must run', async () => {
  await expect(other.client.query(`select tideway.activate('plain')`)).rejects.toMatchObject({
    code: 'TWPUB',
    hint: expect.stringMatching(
      /create publication tideway[^]*alter publication tideway add table public\.products;/,
    ) as string,
  });
  expect((await pool.query(`select state from tideway.mappings where name = 'plain'`)).rows).toEqual([
    { state: 'draft' },
  ]);
  expect((await pool.query('select from pg_publication')).rowCount).toBe(0);

  const grant = (
    await pool.query<{ sql: string }>(
      `select format('grant create on database %I to ${owner.role}', current_database()) as sql`,
    )
  ).rows[0]?.sql;
  await pool.query(grant ?? '');
  await owner.client.query(`select tideway.activate('own')`);
  await other.client.query(`select tideway.activate('plain')`);
  expect(
    (await pool.query(`select name, state from tideway.mappings where name in ('own', 'plain') order by 1`)).rows,
  ).toEqual([
    { name: 'own', state: 'pending' },
    { name: 'plain', state: 'pending' },
  ]);
});

test('what a mapping runs reaches no further than its role, whatever it tries', async () => {
  const daemon = await database.client('tideway_daemon');
  const run = (statement: string) =>
    daemon.query(`select * from tideway_run.${owner.role}($1, null, null, null)`, [statement]);
  const answer = (a: string) => `select 1, null::text, to_jsonb(${a}), null::jsonb, null::jsonb, null::boolean`;

  expect((await run(answer('current_user::text'))).rows).toMatchObject([{ a: owner.role }]);
  expect((await run(answer(`tideway.transform('" x "', 'trim', null)`))).rows).toMatchObject([{ a: 'x' }]);
  await expect(run(answer('s.secret') + ' from tideway_private.connection_secrets s')).rejects.toMatchObject({
    code: '42501',
  });
  await expect(run(answer(`set_config('role', 'tideway_daemon', true)`))).rejects.toMatchObject({ code: '42501' });
  await expect(
    other.client.query(`select * from tideway_run.${owner.role}('select', null, null, null)`),
  ).rejects.toMatchObject({
    code: '42501',
  });
});

test('a mapping that makes keys has the right to their sequence, or says which grant is missing', async () => {
  await pool.query(
    `create table public.numbered (id bigint generated by default as identity primary key, again serial, name text)`,
  );
  await pool.query(
    `select tideway.map('numbered', 'shop', 'Numbered', 'public.numbered', '[{"local": "name", "remote": "Name"}]', direction => 'pull')`,
  );
  const mends = await pool.query<{ mend: string }>(
    `select mend from tideway.validate_mapping('numbered') where mend like '%sequence%' order by 1`,
  );
  expect(mends.rows.map(({ mend }) => mend)).toEqual([
    'grant usage on sequence public.numbered_again_seq to tideway_daemon;',
    'grant usage on sequence public.numbered_id_seq to tideway_daemon;',
  ]);
  await pool.query(`select tideway.activate('numbered')`);
  const { rows } = await pool.query(
    `select problem from tideway.validate_mapping('numbered') where severity = 'error'`,
  );
  expect(rows).toEqual([]);
});
