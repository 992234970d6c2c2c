// @ts-check
// Replaces what the database does (functions, views, triggers, policies, grants) with the text in
// db/source: all of it or, on any error, nothing. `tideway migrate` runs this after the migrations.
// Mappings get the SQL that this text writes for them, in the same transaction.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const root = fileURLToPath(new URL('..', import.meta.url));
const source = 'db/source';
const schemas = ['tideway', 'tideway_private'];

const url = process.env.GM_DBURL || process.env.DATABASE_URL;
if (!url) stop('Set DATABASE_URL to the database that the source is to be applied to.');

const files = readdirSync(join(root, source), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => ({ path: `${source}/${file}`, text: readFileSync(join(root, source, file), 'utf8') }));

const client = new pg.Client({ connectionString: url, application_name: 'tideway/migrate' });
try {
  await client.connect();
  await client.query('begin isolation level read committed');
  await client.query(`select pg_advisory_xact_lock(hashtextextended('tideway apply-source', 0))`);
  const migration = await newestMigration();
  await client.query('set local role tideway_owner');
  const { rows } = await client.query('select pg_current_xact_id()::xid::text as start');
  const steps = files.map(({ path, text }) => ({ name: path, text }));
  await settle(steps.filter((step) => !isGrant(step)));
  // Before the grants: they touch every function, and then none would look old.
  const dropped = await dropVanished(rows[0].start);
  // Grants last: what they give on "all" must include what needed a second try.
  await settle(steps.filter(isGrant));
  const { rows: rewritten } = await client.query('select mapping, problem from tideway_private.recompile()');
  await record(migration);
  await client.query('commit');
  console.log(`Applied ${files.length} files from ${source}.`);
  for (const name of dropped) console.log(`Dropped ${name}: no file in ${source} defines it any more.`);
  for (const { mapping, problem } of rewritten) {
    console.log(
      problem === null
        ? `Wrote the SQL of mapping "${mapping}" anew; it is read whole once.`
        : `The SQL of mapping "${mapping}" stays as it was: ${problem} Call tideway.map(…) with a change that mends it.`,
    );
  }
} catch (error) {
  stop(error instanceof Error ? error.message : String(error));
} finally {
  await client.end().catch(() => {});
}

/** @param {{ name: string }} step */
function isGrant({ name }) {
  return name.endsWith('.grant.sql');
}

/**
 * Steps may lean on each other in any order: what fails is tried again after the rest, until all
 * are in or a whole round brings nothing new.
 * @param {{ name: string, text: string }[]} steps
 */
async function settle(steps) {
  /** @type {typeof steps} */ const failed = [];
  /** @type {string[]} */ const complaints = [];
  for (const step of steps) {
    await client.query('savepoint step');
    try {
      await client.query(step.text);
      await client.query('release savepoint step');
    } catch (error) {
      await client.query('rollback to savepoint step');
      complaints.push(complaint(step, /** @type {pg.DatabaseError} */ (error)));
      failed.push(step);
    }
  }
  if (failed.length === 0) return;
  if (failed.length === steps.length) throw new Error(`Nothing was changed. These fail:\n${complaints.join('\n')}`);
  await settle(failed);
}

/**
 * @param {{ name: string, text: string }} step
 * @param {pg.DatabaseError} error
 */
function complaint({ name, text }, error) {
  const line = text.slice(0, Math.max(0, Number(error.position ?? 1) - 1)).split('\n').length;
  const more = [error.detail, error.hint, error.where].filter(Boolean).map((part) => `\n    ${part}`);
  return `${name}:${line}: ${error.message}${more.join('')}`;
}

/**
 * Every object that a file defines was written again after `start`. Older ones have lost their file.
 * Nothing is dropped by cascade: whoever built on one of them must be heard.
 * @param {string} start transaction id
 */
async function dropVanished(start) {
  await client.query(`set local search_path = ''`);
  const { rows } = await client.query(
    `select format('drop routine %s', p.oid::pg_catalog.regprocedure) as text, p.oid::pg_catalog.regprocedure::text as name
       from pg_catalog.pg_proc as p
      where p.pronamespace = any ($1::text[]::pg_catalog.regnamespace[])
        and pg_catalog.age(p.xmin) > pg_catalog.age($2::text::pg_catalog.xid)
        and not exists (select from pg_catalog.pg_depend as d where d.objid = p.oid and d.deptype = 'e')
     union all
     select format('drop view %s', c.oid::pg_catalog.regclass), c.oid::pg_catalog.regclass::text
       from pg_catalog.pg_class as c
       join pg_catalog.pg_rewrite as r on r.ev_class = c.oid and r.rulename = '_RETURN'
      where c.relnamespace = any ($1::text[]::pg_catalog.regnamespace[])
        and c.relkind = 'v'
        and pg_catalog.age(r.xmin) > pg_catalog.age($2::text::pg_catalog.xid)
        and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'e')`,
    [schemas, start],
  );
  await settle(rows);
  return rows.map((row) => row.name);
}

/** The migrating role owns the ledger; the owner of our schemas may not read it. */
async function newestMigration() {
  const { rows } = await client.query(`select to_regclass('graphile_migrate.migrations') is not null as kept`);
  if (!rows[0].kept) return null;
  const newest = await client.query('select filename from graphile_migrate.migrations order by filename desc limit 1');
  return newest.rows[0]?.filename ?? null;
}

/** @param {string | null} migration */
async function record(migration) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hash = createHash('sha256');
  for (const { path, text } of files) hash.update(`${path}\0${text}\0`);
  await client.query(
    `insert into tideway_private.release (version, source_hash, migration)
     select $1, $2, $3
      where (select (version, source_hash, migration) is distinct from ($1, $2, $3)
               from (select 1) as always
               left join lateral (select * from tideway_private.release order by id desc limit 1) as latest on true)`,
    [version, hash.digest('hex').slice(0, 16), migration],
  );
}

/**
 * @param {string} message
 * @returns {never}
 */
function stop(message) {
  console.error(message);
  process.exit(1);
}
