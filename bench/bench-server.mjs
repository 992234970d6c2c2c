// A migrated database on a server of its own, and what every bench prints and keeps. Needs `npm run build`.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrateDatabase } from '../dist/src/cli/migrate-database.js';
import { currentMigrations } from '../dist/src/cli/migrations.js';
import { startEmbeddedPostgres } from '../dist/src/runtime/embedded-postgres.js';

const settings = {
  wal_level: 'logical',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '30min',
  max_connections: 100,
};

/** Runs the work on a fresh server with Tideway in database `bench`; fsync is on, as in real life. */
export async function onServer(work) {
  const directory = mkdtempSync(join(tmpdir(), 'tideway-bench-'));
  const server = await startEmbeddedPostgres({ directory, settings });
  const clients = [];
  try {
    const url = Object.assign(new URL(server.url), { pathname: 'bench' }).href;
    const root = new pg.Client(server.url);
    await root.connect();
    await root.query('create database bench');
    await root.end();
    await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => {} });
    const connect = async (role) => {
      const client = new pg.Client(url);
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
      if (role) await client.query(`set role ${role}`);
      return client;
    };
    return await work({ url, connect });
  } finally {
    await Promise.all(clients.map((client) => client.end().catch(() => {})));
    await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** An active mapping of a table that a role of its own owns; returns what a daemon would know of it. */
export async function mapTable({ connect }, { name, table, columns, direction }) {
  const root = await connect();
  const owner = await connect();
  await root.query(`do $$ begin create role bench_owner; exception when duplicate_object then null; end $$`);
  await root.query(`create schema if not exists app authorization bench_owner`);
  await owner.query('set role bench_owner');
  await owner.query(`create table app.${table} (${columns})`);
  await owner.query('reset role');
  await root.query(`select tideway.connect($1, 'shopify', '{}')`, [`account of ${name}`]);
  const { rows: locals } = await root.query(
    `select attname as local, initcap(attname) as remote from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum`,
    [`app.${table}`],
  );
  await root.query(`select tideway.map($1, $2, 'Items', $3, $4::jsonb, direction => $5)`, [
    name,
    `account of ${name}`,
    `app.${table}`,
    JSON.stringify(locals),
    direction,
  ]);
  await root.query('select tideway.activate($1)', [name]);
  // What the daemon does once it has looked at the app's tables.
  const {
    rows: [mapping],
  } = await root.query(
    `update tideway.mappings set state = 'active', first_read_at = now() where name = $1 returning number, id`,
    [name],
  );
  const {
    rows: [lease],
  } = await root.query(
    `select tideway_private.take_lease(c.number, 'bench', '1 day') as epoch
       from tideway.mappings m join tideway.connections c on c.id = m.connection_id where m.number = $1`,
    [mapping.number],
  );
  await root.end();
  await owner.end();
  return { number: mapping.number, id: mapping.id, epoch: lease.epoch };
}

export async function timed(work) {
  const start = process.hrtime.bigint();
  const value = await work();
  return { seconds: Number(process.hrtime.bigint() - start) / 1e9, value };
}

export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

export const median = (values) => quantile(values, 0.5);

/** Prints a table and keeps it, with the machine it was measured on, under bench/results/. */
export async function report(name, { connect }, { heads, rows, notes = [] }) {
  const client = await connect();
  const {
    rows: [{ server }],
  } = await client.query(`select current_setting('server_version') as server`);
  const machine = {
    measured: new Date().toISOString(),
    cpu: `${cpus().length} x ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}`,
    postgres: server,
    node: process.version,
    load: loadavg()
      .map((value) => value.toFixed(1))
      .join(' '),
    settings: Object.entries(settings)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  };
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const text = [
    `${machine.cpu}, ${machine.memory}, ${machine.system}, PostgreSQL ${machine.postgres}, Node ${machine.node}, load average ${machine.load}`,
    '',
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map(line),
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
  console.log(text);
  const folder = fileURLToPath(new URL('results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.md`), text);
  writeFileSync(join(folder, `${name}.json`), JSON.stringify({ name, machine, heads, rows, notes }, null, 2));
}
