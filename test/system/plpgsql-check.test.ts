import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled, startDebianServer } from '../support/debian-server.ts';

const installed = isInstalled(
  {
    'postgresql-15': '/usr/lib/postgresql/15/bin/postgres',
    'postgresql-15-plpgsql-check': '/usr/lib/postgresql/15/lib/plpgsql_check.so',
  },
  'the static check of our functions',
);

/** Texts that become SQL on purpose; each names why nobody gets further than with SQL of his own. */
const deliberate: Record<string, string> = {
  'tideway.input_is_valid': 'the name of a type, as the catalogue spells it; stable, and with the rights of the caller',
  'tideway.maintain': 'statements written in the function itself',
  'tideway_private.filter_problem': "an expression of the table's owner; prepared only, and a semicolon is refused",
  'tideway_private.maintain_partitions': 'partitions, as regclass spells and quotes them',
  'tideway_private.publish': 'statements that format built with %I',
};

/** A record filled by a statement that is built at run time has no columns for the check to know. */
const unknowable: Record<string, RegExp> = {
  'tideway_private.convert_records': /: record "v_result" is not assigned yet$/,
};

interface Complaint {
  name: string;
  lineno: number | null;
  level: string;
  message: string;
}

describe.runIf(installed)('every plpgsql function', () => {
  let server: Awaited<ReturnType<typeof startDebianServer>>;
  let client: pg.Client;

  beforeAll(async () => {
    server = await startDebianServer();
    client = new pg.Client({ connectionString: server.url });
    await client.connect();
    await client.query('create extension plpgsql_check');
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  async function complaints(levels: string[]): Promise<string[]> {
    const { rows } = await client.query<Complaint>(
      `select p.oid::regprocedure::text as name, c.lineno, c.level, c.message
         from pg_proc as p
         join pg_language as l on l.oid = p.prolang and l.lanname = 'plpgsql'
         left join lateral (select tgrelid, tgoldtable, tgnewtable from pg_trigger where tgfoid = p.oid and not tgisinternal limit 1) as t on true
        cross join lateral plpgsql_check_function_tb(
          p.oid, coalesce(t.tgrelid, 0), fatal_errors => false, security_warnings => true,
          oldtable => t.tgoldtable, newtable => t.tgnewtable) as c
        where p.pronamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)
          and (p.prorettype <> 'trigger'::regtype or t.tgrelid is not null)
          and c.level = any ($1)
        order by 1, 2`,
      [levels],
    );
    return rows.map(({ name, lineno, level, message }) => `${name}:${lineno ?? 0}: ${level}: ${message}`);
  }

  test('has no error that shows only when the line runs', async () => {
    const found = await complaints(['error']);
    const known = found.filter((line) => unknowable[line.slice(0, line.indexOf('('))]?.test(line));
    for (const line of known) console.log(`Known: ${line}`);
    expect(found.filter((line) => !known.includes(line))).toEqual([]);
    expect(known).toHaveLength(Object.keys(unknowable).length);
  });

  test('builds no SQL that a value could break out of, but for the known ones', async () => {
    const found = await complaints(['security']);
    const names = [...new Set(found.map((line) => line.slice(0, line.indexOf('('))))].sort();
    for (const name of names) console.log(`Known: ${name}: ${deliberate[name] ?? 'NOT KNOWN'}`);
    expect(names).toEqual(Object.keys(deliberate).sort());
  });
});
