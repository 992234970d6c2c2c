import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';

const { pool } = useDatabase();

async function names(sql: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>(sql);
  return rows.map(({ name }) => name);
}

const ours = `('tideway'::regnamespace, 'tideway_private'::regnamespace)`;

test('the first migration makes the roles and both schemas', async () => {
  expect(await names(`select rolname as name from pg_roles where rolname like 'tideway\\_%' order by 1`)).toEqual(
    expect.arrayContaining([
      'tideway_daemon',
      'tideway_monitor',
      'tideway_operator',
      'tideway_owner',
      'tideway_reader',
    ]),
  );
});

test('tideway.version() says which release the database holds', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const { rows } = await pool.query('select * from tideway.version()');
  expect(rows).toEqual([
    expect.objectContaining({ version, source_hash: expect.stringMatching(/^[0-9a-f]{16}$/) as string }),
  ]);
});

test('every object and column of schema tideway has a comment', async () => {
  expect(
    await names(`
      select c.oid::regclass::text as name from pg_class as c
       where c.relnamespace = 'tideway'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
         and not c.relispartition and obj_description(c.oid, 'pg_class') is null
      union all
      select c.oid::regclass || '.' || a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid
       where c.relnamespace = 'tideway'::regnamespace and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
         and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null
      union all
      select p.oid::regprocedure::text from pg_proc as p
       where p.pronamespace = 'tideway'::regnamespace and obj_description(p.oid, 'pg_proc') is null
      order by 1`),
  ).toEqual([]);
});

test('every function fixes its search_path', async () => {
  expect(
    await names(`
      select p.oid::regprocedure::text as name from pg_proc as p
       where p.pronamespace in ${ours} and p.prokind <> 'a'
         and not exists (select from unnest(p.proconfig) as setting where setting like 'search\\_path=%')
         and p.prosqlbody is null
       order by 1`),
  ).toEqual([]);
});

test('what is private is for our roles only, and those who look may call what changes nothing', async () => {
  expect(
    await names(`
      select p.oid::regprocedure || ' by ' || coalesce(r.rolname, 'public') as name
        from pg_proc as p
        cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as acl
        left join pg_roles as r on r.oid = acl.grantee
       where p.pronamespace = 'tideway_private'::regnamespace
         and coalesce(r.rolname, 'public') not in ('tideway_owner', 'tideway_daemon', 'tideway_operator')
         and not (r.rolname in ('tideway_reader', 'tideway_monitor') and p.provolatile <> 'v')
       order by 1`),
  ).toEqual([]);
});

test('rows are guarded wherever they can be reached', async () => {
  expect(
    await names(`
      select 'no row level security: ' || c.oid::regclass as name from pg_class as c
       where c.relnamespace in ${ours} and c.relkind in ('r', 'p') and not c.relrowsecurity
      union all
      select 'view runs as its owner: ' || c.oid::regclass from pg_class as c
       where c.relnamespace in ${ours} and c.relkind = 'v'
         and not coalesce('security_invoker=true' = any (c.reloptions), false)
      union all
      select 'materialized view: ' || c.oid::regclass from pg_class as c
       where c.relnamespace in ${ours} and c.relkind = 'm'
      union all
      select 'definer function open to public: ' || p.oid::regprocedure from pg_proc as p
       where p.pronamespace in ${ours} and p.prosecdef
         and p.oid <> 'tideway.version()'::regprocedure
         and has_function_privilege('public', p.oid, 'execute')
      union all
      select 'may truncate: ' || acl.grantee::regrole || ' ' || c.oid::regclass
        from pg_class as c cross join aclexplode(c.relacl) as acl
       where c.relnamespace in ${ours} and c.relkind in ('r', 'p') and acl.privilege_type = 'TRUNCATE'
         and acl.grantee <> c.relowner
      order by 1`),
  ).toEqual([]);
});

test('db/source and the database hold the same functions and views', async () => {
  const files = readdirSync('db/source', { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(function|view)\.sql$/.test(file),
  );
  const defined = files.flatMap((file) =>
    [
      ...readFileSync(join('db/source', file), 'utf8').matchAll(
        /^create (?:or replace )?(?:function|procedure|aggregate|view) ([a-z_]+\.[a-z_0-9]+)/gim,
      ),
    ].map(([, name]) => name),
  );
  const found = await names(`
    select pronamespace::regnamespace || '.' || proname as name from pg_proc where pronamespace in ${ours}
    union all
    select relnamespace::regnamespace || '.' || relname from pg_class where relnamespace in ${ours} and relkind = 'v'`);
  expect(found.sort()).toEqual(defined.sort());
});
