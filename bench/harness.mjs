// What every bench shares: a server and a database of its own, processes that are stopped again, turns, and the report.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrateDatabase } from '../dist/src/cli/migrate-database.js';
import { currentMigrations } from '../dist/src/cli/migrations.js';
import { startEmbeddedPostgres } from '../dist/src/runtime/embedded-postgres.js';
import { cpuSeconds, noteProcess, peakMemory, stopLeftProcesses } from './processes.mjs';

/** Small and short: whether it runs, not how fast it is. */
export const quick = process.argv.includes('--quick');
/** How often each side has its turn. */
export const rounds = quick ? 1 : 5;
export const name = basename(process.argv[1], '.mjs');
/** How long anything may take that a bench waits for. */
const patience = quick ? 120_000 : 1_800_000;

const root = fileURLToPath(new URL('..', import.meta.url));
const usual = {
  wal_level: 'logical',
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  max_slot_wal_keep_size: '8GB',
  checkpoint_timeout: '30min',
  max_connections: 150,
  track_commit_timestamp: 'on',
};

let settings = usual;
let directory;
let server;
const children = new Set();
const clients = new Set();
/** Said by a process that ended without being asked; whoever waits gives up. */
let broken;

/** Progress goes beside the report, with the seconds since the start. */
export function say(line) {
  console.error(`  ${(performance.now() / 1000).toFixed(0).padStart(5)} s  ${name}: ${line}`);
}

/** A data directory with Tideway in database `tideway_template`, which every bench copies: migrating takes longer than some benches. */
export async function prepareTemplate(folder) {
  const made = await startEmbeddedPostgres({ directory: folder, settings: { fsync: 'off' } });
  try {
    const client = new pg.Client(made.url);
    await client.connect();
    await client.query('create database tideway_template');
    await client.end();
    const url = Object.assign(new URL(made.url), { pathname: 'tideway_template' }).href;
    await migrateDatabase({ url, current: currentMigrations().length > 0, say: () => {} });
  } finally {
    await made.stop();
  }
}

/** Runs a bench: `work` gets its server and returns the report. Whatever happens, what was started is stopped. */
export async function bench(work, other = {}) {
  settings = { ...usual, ...other };
  let code = 1;
  const stopped = (signal) => {
    console.error(`${name}: stopped by ${signal}.`);
    void cleanUp().finally(() => process.exit(1));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stopped);
  for (const event of ['unhandledRejection', 'uncaughtException'])
    process.on(event, (error) => {
      // What the clean-up itself tears is of no interest.
      if (cleaning === undefined) console.error(`${name} failed: ${error?.stack ?? error}`);
      void cleanUp().finally(() => process.exit(1));
    });
  try {
    const load = loadavg();
    directory = process.env.BENCH_DIRECTORY ?? mkdtempSync(join(tmpdir(), 'tideway-bench-'));
    chmodSync(directory, 0o755);
    const template = process.env.BENCH_TEMPLATE;
    const folder = join(directory, 'server');
    if (template !== undefined && existsSync(template)) execFileSync('cp', ['-a', template, folder]);
    else await prepareTemplate(folder);
    server = await startEmbeddedPostgres({ directory: folder, settings });
    const url = await makeDatabase('bench');
    await keep(await work({ url, connect: (role) => connectTo(url, role) }), load);
    code = 0;
  } catch (error) {
    console.error(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    for (const line of complaints) console.error(`  the daemon said: ${line}`);
  } finally {
    await cleanUp();
  }
  process.exit(code);
}

let cleaning;
function cleanUp() {
  cleaning ??= (async () => {
    for (const client of clients) client.removeAllListeners('error').on('error', () => {});
    for (const child of children) child.kill('SIGKILL');
    await Promise.race([Promise.all([...clients].map((client) => client.end().catch(() => {}))), pause(2_000)]);
    await server?.stop().catch(() => {});
    if (directory === undefined) return;
    await stopLeftProcesses(directory);
    rmSync(directory, { recursive: true, force: true });
  })();
  return cleaning;
}

/** Another migrated database on the same server; returns its address. */
export async function makeDatabase(database) {
  const client = new pg.Client(server.url);
  await client.connect();
  await client.query(`create database ${database} template tideway_template`);
  await client.end();
  return Object.assign(new URL(server.url), { pathname: database }).href;
}

export async function connectTo(url, role) {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  clients.add(client);
  client.once('end', () => clients.delete(client));
  if (role) await client.query(`set role ${role}`);
  return client;
}

/** A process of ours that must live until it is stopped. */
function start(what, command, args, options) {
  const child = spawn(command, args, { cwd: root, ...options });
  children.add(child);
  noteProcess(directory, child.pid);
  const ended = new Promise((resolve) => {
    child.once('error', (error) => (broken = `${what}: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (children.delete(child) && cleaning === undefined) broken = `${what} ended with ${signal ?? code}`;
      resolve(signal ?? code);
    });
  });
  const stop = async (signal = 'SIGTERM') => {
    if (!children.delete(child)) return;
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(late);
  };
  return { child, stop };
}

/** A script of this folder in a process of its own, which says its address in its first line. */
export async function startScript(script, args = [], env = {}) {
  const { child, stop } = start(script, process.execPath, [join(root, 'bench', script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let url;
  child.stdout.once('data', (line) => (url = String(line).trim()));
  await until(`the address of ${script}`, () => url, { every: 5 });
  const ask = async (path, body) => {
    const answer = await fetch(`${url}/control/${path}`, {
      method: 'POST',
      body: JSON.stringify(body ?? {}),
      signal: AbortSignal.timeout(patience),
    });
    if (!answer.ok) throw new Error(`${script} answered ${answer.status} to ${path}: ${await answer.text()}`);
    return answer.json();
  };
  return { url, ask, stop, pid: child.pid };
}

/** The app that everything is read from and written to. */
export const startStandIn = () => startScript('stand-in.mjs');

/** A script that does one thing and answers with one line of JSON. */
export async function ask(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], ...options });
  children.add(child);
  noteProcess(directory, child.pid);
  const late = setTimeout(() => child.kill('SIGKILL'), patience);
  let out = '';
  child.stdout?.on('data', (chunk) => (out += chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exit, signal) => resolve(signal ?? exit));
  });
  clearTimeout(late);
  children.delete(child);
  if (code !== 0) throw new Error(`${basename(command)} ${args[0] ?? ''} ended with ${code}`);
  return out;
}

let daemons = 0;
/** The last that each daemon had to complain of, for a bench that fails. */
const complaints = [];

/** The built daemon. With BENCH_PROFILE=1 it leaves a profile in .tideway/profiles when it is stopped. */
export async function startDaemon(url, env = {}) {
  daemons += 1;
  const profiles = join(root, '.tideway', 'profiles');
  const profile = process.env.BENCH_PROFILE
    ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`, `--cpu-prof-name=${name}-${daemons}.cpuprofile`]
    : [];
  const { child, stop } = start(
    'the daemon',
    process.execPath,
    [...profile, join(root, 'dist/src/cli/main.js'), 'start'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: url,
        TIDEWAY_EGRESS_ALLOW: '127.0.0.1',
        TIDEWAY_HTTP_PORT: '0',
        TIDEWAY_HTTP_RATE: '1000000',
        TIDEWAY_LOG_FORMAT: 'json',
        BENCH_TOKEN: 'x',
        BENCH_WEBHOOK_SECRET: 'bench-secret',
        ...env,
      },
    },
  );
  let log = '';
  let door;
  let followed;
  let cpuBefore = 0;
  child.stderr.on('data', (chunk) => {
    log = (log + chunk).slice(-40_000);
    for (const line of String(chunk).split('\n')) if (/"level":[456]0/.test(line)) complaints.push(line.slice(0, 600));
    complaints.splice(0, complaints.length - 5);
    door ??= /"http":"([^"]+)"/.exec(log)?.[1];
    if (followed === undefined && log.includes('Following the log')) {
      followed = performance.now();
      cpuBefore = cpuSeconds(child.pid) ?? 0;
    }
  });
  try {
    await until('the daemon', () => door !== undefined && followed !== undefined, { within: 120_000, every: 5 });
  } catch (error) {
    throw new Error(`${error.message}\n${log.slice(-4_000)}`, { cause: error });
  }
  return {
    pid: child.pid,
    door,
    /** When it began to read the log, on the clock of performance.now(). */
    followed,
    /** Seconds of processor time that its start took. */
    cpuBefore,
    stop,
    cpu: () => cpuSeconds(child.pid) ?? 0,
    memory: () => peakMemory(child.pid) ?? 0,
  };
}

/** Asks until there is an answer, and gives up when it takes too long or a process has ended; resolves with when. */
export async function until(what, question, { within = patience, every = 10 } = {}) {
  const end = performance.now() + within;
  for (;;) {
    if (broken !== undefined) throw new Error(`Waiting for ${what}: ${broken}`);
    if (await question()) return performance.now();
    if (performance.now() > end) throw new Error(`Waited ${Math.round(within / 1000)} s for ${what}`);
    await pause(every);
  }
}

/** Until the query has a row. */
export const untilRow = (client, what, sql, values = [], options = {}) =>
  until(what, async () => (await client.query(sql, values)).rows.length > 0, options);

/** Until the follower has stored all that was committed before the call. */
export async function untilFollowed(client, slot = 'tideway') {
  const { rows } = await client.query('select pg_current_wal_insert_lsn() as lsn');
  return untilRow(
    client,
    'the follower',
    `select from tideway_private.positions where slot = $1 and lsn >= $2::pg_lsn`,
    [slot, rows[0].lsn],
  );
}

/** Until nothing waits and nothing is out. */
export async function untilPushed(client, mappings = null) {
  return untilRow(
    client,
    'an empty outbox',
    `select where not exists (select from tideway_private.outbox where $1::int[] is null or mapping = any ($1))
       and not exists (select from tideway_private.in_flight where $1::int[] is null or mapping = any ($1))`,
    [mappings],
  );
}

/** A table `id, name, qty, note` and its mapping to table `items` of a stand-in; the daemon still has to look at it. */
export async function mapItems(
  client,
  { items, connection = items, app, direction, options = {}, settings: own = {} },
) {
  await client.query(
    `create table if not exists public.${items} (id bigint primary key, name text, qty integer, note text)`,
  );
  await client.query(
    `insert into tideway.systems (system, title, settings_schema) values ('plain', 'Plain', '{}') on conflict do nothing`,
  );
  await client.query(`select tideway.connect($1, 'plain', $2, 'env:BENCH_TOKEN')`, [
    connection,
    { base_url: app, rows_per_write: 500, records_per_page: 10_000, request_life: 2_000, ...own },
  ]);
  await client.query(`select tideway.map($1, $6, 'items', $2::regclass, $3::jsonb, direction => $4, options => $5)`, [
    items,
    `public.${items}`,
    JSON.stringify([
      { local: 'id', remote: 'ref', type: 'number' },
      { local: 'name', remote: 'name' },
      { local: 'qty', remote: 'qty', type: 'number' },
      { local: 'note', remote: 'note' },
    ]),
    direction,
    direction === 'push' ? options : { schedule: 'manual', sweep_schedule: 'manual', ...options },
    connection,
  ]);
  await client.query('select tideway.activate($1)', [items]);
}

export const untilActive = (client) =>
  untilRow(client, 'active mappings', `select where not exists (select from tideway.mappings where state <> 'active')`);

/** Rows and their links, as if they had been pushed long ago. */
export async function fillLinked(client, items, count) {
  const { rows } = await client.query('select number from tideway.mappings where name = $1', [items]);
  // In one transaction: the follower never sees a row without its link.
  await client.query('begin');
  await client.query(
    `insert into public.${items} select n, 'item ' || n, 0, repeat('x', 40) from generate_series(1, $1::int) n`,
    [count],
  );
  await client.query(
    `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, touched_at, synced_at)
     select $1, 'default', o.id::text, 'r' || o.id, (hashtextextended(o.id::text, 0) & 15)::smallint,
            jsonb_build_object('id', o.id, 'name', o.name, 'qty', o.qty, 'note', o.note), '{}', 0, now()
       from public.${items} o`,
    [rows[0].number],
  );
  await client.query('commit');
  await client.query(`vacuum analyze public.${items}`);
  await client.query('vacuum analyze tideway_private.links');
  return rows[0].number;
}

/** An active mapping of a table that a role of its own owns; returns what a daemon would know of it. */
export async function mapTable({ connect }, { name: mapping, table, columns, direction }) {
  const client = await connect();
  const owner = await connect();
  await client.query(`do $$ begin create role bench_owner; exception when duplicate_object then null; end $$`);
  await client.query(`create schema if not exists app authorization bench_owner`);
  await owner.query('set role bench_owner');
  await owner.query(`create table app.${table} (${columns})`);
  await owner.query('reset role');
  await client.query(`select tideway.connect($1, 'shopify', '{}')`, [`account of ${mapping}`]);
  const { rows: locals } = await client.query(
    `select attname as local, initcap(attname) as remote from pg_attribute where attrelid = $1::regclass and attnum > 0 order by attnum`,
    [`app.${table}`],
  );
  await client.query(`select tideway.map($1, $2, 'Items', $3, $4::jsonb, direction => $5)`, [
    mapping,
    `account of ${mapping}`,
    `app.${table}`,
    JSON.stringify(locals),
    direction,
  ]);
  await client.query('select tideway.activate($1)', [mapping]);
  // What the daemon does once it has looked at the app's tables.
  const {
    rows: [made],
  } = await client.query(
    `update tideway.mappings set state = 'active', first_read_at = now() where name = $1 returning number, id`,
    [mapping],
  );
  const {
    rows: [lease],
  } = await client.query(
    `select tideway_private.take_lease(c.number, 'bench', '1 day') as epoch
       from tideway.mappings m join tideway.connections c on c.id = m.connection_id where m.number = $1`,
    [made.number],
  );
  await client.end();
  await owner.end();
  return { number: made.number, id: made.id, epoch: lease.epoch };
}

export async function timed(work) {
  const begin = process.hrtime.bigint();
  const value = await work();
  return { seconds: Number(process.hrtime.bigint() - begin) / 1e9, value };
}

/** Milliseconds on a clock that all processes of the machine share. */
export const now = () => Number(process.hrtime.bigint()) / 1e6;

export function quantile(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** The middle one, or the mean of the middle two. */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Each side once a round; who goes first takes turns too, for the second finds warmer files. */
export async function inTurns(sides, { times = rounds, what = '' } = {}) {
  const names = Object.keys(sides);
  const found = Object.fromEntries(names.map((side) => [side, []]));
  for (let round = 0; round < times; round += 1) {
    for (const side of round % 2 === 0 ? names : names.toReversed()) {
      const { seconds, value } = await timed(() => sides[side](round));
      found[side].push(value);
      say(`${what && `${what}, `}round ${round + 1} of ${times}, ${side}: took ${seconds.toFixed(1)} s`);
    }
  }
  return found;
}

/** The median of the rounds' quotients, with the smallest and the greatest: both sides of each share their moment. */
export function ratio(ours, theirs, digits = 2) {
  const quotients = ours.map((value, round) => value / theirs[round]);
  const middle = median(quotients).toFixed(digits);
  return quotients.length === 1
    ? middle
    : `${middle} (${Math.min(...quotients).toFixed(digits)}–${Math.max(...quotients).toFixed(digits)})`;
}

export const whole = (value) => Math.round(value).toLocaleString('en');

/** Prints the table and keeps it, with the machine it was measured on, in bench/results/. */
async function keep({ heads, rows, notes = [], raw }, loadBefore) {
  const client = new pg.Client(server.url);
  await client.connect();
  const {
    rows: [{ version }],
  } = await client.query(`select current_setting('server_version') as version`);
  await client.end();
  const loads = (values) => values.map((value) => value.toFixed(1)).join(' ');
  const machine = {
    measured: new Date().toISOString(),
    cpu: `${cpus().length} x ${cpus()[0].model.trim()}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}`,
    postgres: version,
    node: process.version,
    load: `${loads(loadBefore)} before, ${loads(loadavg())} after`,
    settings: Object.entries(settings)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  };
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const text = [
    `## ${name}${quick ? ' (quick: whether it runs, not how fast)' : ''}`,
    '',
    `${machine.cpu}, ${machine.memory}, ${machine.system}, PostgreSQL ${machine.postgres}, Node ${machine.node}, load average ${machine.load}, ${machine.measured}`,
    '',
    line(heads),
    line(heads.map(() => '---')),
    ...rows.map(line),
    '',
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
  console.log(text);
  const folder = join(root, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const file = quick ? `${name}-quick` : name;
  writeFileSync(join(folder, `${file}.md`), text);
  writeFileSync(
    join(folder, `${file}.json`),
    JSON.stringify({ name, quick, machine, heads, rows, notes, raw }, null, 2),
  );
}
