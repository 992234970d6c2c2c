import { expect, test } from 'vitest';
import { tideway } from '../../support/command.ts';
import { useDatabase } from '../../support/database.ts';

const { url, pool, name } = useDatabase();
const env = { DATABASE_URL: url, TIDEWAY_SLOT: name, TIDEWAY_PUBLICATION: name };

async function answer(sql: string): Promise<unknown> {
  const { rows } = await pool.query<{ answer: unknown }>(`select ${sql} as answer`);
  return rows[0]?.answer;
}

const slots = `(select count(*)::int from pg_replication_slots where slot_name = '${name}')`;
const publications = `(select count(*)::int from pg_publication where pubname = '${name}')`;

async function takePlace() {
  await pool.query(`select pg_create_logical_replication_slot('${name}', 'pgoutput')`);
  await pool.query(`create publication ${name}`);
}

test('uninstall drops the slot and the publication, and leaves the rest', async () => {
  await takePlace();
  const { code, out } = await tideway(['uninstall'], { env });
  expect({ code, out }).toEqual({
    code: 0,
    out: `Dropped replication slot ${name}.\nDropped publication ${name}.\n`,
  });
  expect([await answer(slots), await answer(publications)]).toEqual([0, 0]);
  expect(await answer(`to_regclass('tideway.mappings') is not null`)).toBe(true);
  expect(await tideway(['uninstall'], { env })).toMatchObject({ code: 0, out: 'There was nothing to drop.\n' });
});

test('a login that may not is told which one may', async () => {
  await pool.query(`create role ${name}_nobody login password 'x'`);
  const url = Object.assign(new URL(env.DATABASE_URL), { username: `${name}_nobody`, password: 'x' }).href;
  for (const command of ['uninstall', 'migrate', 'start']) {
    const { code, err } = await tideway([command], { env: { ...env, DATABASE_URL: url, TIDEWAY_HTTP_PORT: '0' } });
    expect({ command, code, err }).toEqual({
      command,
      code: 1,
      err: expect.stringMatching(/TWC04: .*permission denied[^]*the administrator for migrate and uninstall/) as string,
    });
  }
  await pool.query(`drop role ${name}_nobody`);
});

test("a user's view on ours is named, and nothing is dropped", async () => {
  await takePlace();
  await pool.query(`create table public.mine (id int primary key);
    insert into public.mine values (1);
    create view public.my_mappings as select name from tideway.mappings;
    create function public.my_version() returns text begin atomic select version from tideway.version(); end`);
  const { code, err } = await tideway(['uninstall', '--schema'], { env });
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringMatching(
      /TWU02: What you built depends on Tideway: function my_version\(\), view my_mappings\.\n[\s\S]*--cascade/,
    ) as string,
  });
  expect([await answer(slots), await answer(publications)]).toEqual([1, 1]);
});

test('--schema --cascade takes all of it and leaves the tables of people', async () => {
  const { code, out } = await tideway(['uninstall', '--schema', '--cascade'], { env });
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringContaining('Dropped schemas tideway, tideway_private and tideway_run.') as string,
  });
  expect(await answer(`(select count(*)::int from pg_namespace where nspname ~ '^(tideway|graphile_migrate)')`)).toBe(
    0,
  );
  expect(await answer(`to_regclass('public.my_mappings') is null`)).toBe(true);
  expect(await answer(`(select count(*)::int from public.mine)`)).toBe(1);
  expect([await answer(slots), await answer(publications)]).toEqual([0, 0]);
});
