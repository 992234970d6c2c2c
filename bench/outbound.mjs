// Measures the way from a commit to an app; see README.md. Needs `npm run build`.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const script = fileURLToPath(import.meta.url);
if (process.argv[2] === 'sink') await sink();
else await main();

/** An app that takes everything, in a process of its own. */
async function sink() {
  let rows = 0;
  let requests = 0;
  let ids = 0;
  const arrivals = [];
  const server = createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const at = Date.now();
      const answer = (body) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (request.url === '/stats') return answer({ rows, requests, arrivals });
      if (request.url === '/reset') {
        [rows, requests, arrivals.length] = [0, 0, 0];
        return answer({});
      }
      if (request.url === '/v1/account') return answer({ id: 'bench', title: 'Bench' });
      if (request.url === '/v1/tables') {
        const column = (id, type) => ({ id, title: id, type, writable: true, required: false });
        const columns = [
          column('ref', 'number'),
          column('name', 'text'),
          column('qty', 'number'),
          column('note', 'text'),
        ];
        return answer({ tables: [{ id: 'items', title: 'items', columns }] });
      }
      const sent = JSON.parse(Buffer.concat(chunks).toString()).rows;
      rows += sent.length;
      requests += 1;
      if (sent.length === 1) arrivals.push([Number(sent[0].values?.qty), at]);
      answer({
        results: sent.map(({ id, values }) => {
          const record = id ?? `r${++ids}`;
          return {
            id: record,
            version: 1,
            record: { id: record, version: 1, modified_at: '2026-01-01T00:00:00Z', values },
          };
        }),
      });
    });
  });
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
}

async function main() {
  const given = process.env.BENCH_DATABASE_URL;
  if (!given) {
    console.error('Set BENCH_DATABASE_URL to a server with wal_level=logical; a database tideway_bench is made there.');
    process.exit(2);
  }
  const scale = Number(process.env.BENCH_SCALE ?? 0.1);
  const [many, few] = [Math.round(1_000_000 * scale), Math.round(100_000 * scale)];
  const url = Object.assign(new URL(given), { pathname: '/tideway_bench' }).href;
  const admin = new pg.Client({ connectionString: given });
  await admin.connect();
  const slots = ['bench_own', 'bench_peer'];
  const clean = async () => {
    await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'tideway_bench'`);
    for (const slot of slots) {
      await admin.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1`, [
        slot,
      ]);
    }
    await admin.query('drop database if exists tideway_bench with (force)');
  };
  await clean();
  await admin.query('create database tideway_bench');
  const { migrateDatabase } = await import('../dist/src/cli/migrate-database.js');
  await migrateDatabase({ url, current: true, say: () => {} });

  const app = spawn(process.execPath, [script, 'sink'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const base = `http://127.0.0.1:${String(await new Promise((resolve) => app.stdout.once('data', resolve))).trim()}`;
  const ask = async (path) => (await fetch(base + path)).json();
  const db = new pg.Client({ connectionString: url });
  db.on('error', () => {});
  await db.connect();
  await db.query(`create table items (id integer primary key, name text, qty integer, note text)`);
  await db.query(`insert into tideway.systems (system, title, settings_schema) values ('plain', 'Plain', '{}')`);
  await db.query(`select tideway.connect('bench', 'plain', $1, 'env:BENCH_TOKEN')`, [
    { base_url: base, rows_per_write: 500 },
  ]);
  await db.query(`select tideway.map('items', 'bench', 'items', 'public.items', $1, direction => 'push')`, [
    JSON.stringify([
      { local: 'id', remote: 'ref', type: 'number' },
      { local: 'name', remote: 'name' },
      { local: 'qty', remote: 'qty', type: 'number' },
      { local: 'note', remote: 'note' },
    ]),
  ]);
  await db.query(`select tideway.activate('items')`);
  await db.query(`create procedure churn(changes integer, size integer, keys integer) language plpgsql as $$
    begin
      for n in 1..changes / size loop
        update items set qty = qty + 1 where id in (select 1 + (random() * (keys - 1))::int from generate_series(1, size));
        commit;
      end loop;
    end $$`);

  const start = async () => {
    const child = spawn(process.execPath, ['dist/src/cli/main.js', 'start'], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: url,
        TIDEWAY_SLOT: 'bench_own',
        TIDEWAY_EGRESS_ALLOW: '127.0.0.1',
        TIDEWAY_LOG_FORMAT: 'json',
        TIDEWAY_HTTP_PORT: '0',
        BENCH_TOKEN: 'x',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let following;
    const began = new Promise((resolve) => (following = resolve));
    child.stderr.on('data', (chunk) => {
      if (String(chunk).includes('Following the log')) following(performance.now());
      if (/"level":50/.test(String(chunk))) process.stderr.write(chunk);
    });
    const stop = () => new Promise((resolve) => child.once('exit', resolve) && child.kill('SIGTERM'));
    return { began: await began, stop, rss: () => rssOf(child.pid) };
  };
  const until = async (sql, values = []) => {
    while ((await db.query(sql, values)).rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return performance.now();
  };
  const here = async () => (await db.query('select pg_current_wal_lsn() as lsn')).rows[0].lsn;
  const followed = async () =>
    until(`select from tideway_private.positions where slot = 'bench_own' and lsn >= $1::pg_lsn`, [await here()]);

  // First of all the rows, as creates.
  const say = (what, figure) => console.log(`${what.padEnd(64)} ${figure}`);
  console.log(`Scale ${scale}: ${many} changes, ${few} rows. ${(await db.query('select version()')).rows[0].version}`);
  let daemon = await start();
  await until(`select from tideway.mappings where state = 'active'`);
  await db.query(`select tideway.pause('items')`);
  await db.query(
    `insert into items select n, 'item number ' || n, 0, repeat('x', 40) from generate_series(1, $1::int) n`,
    [few],
  );
  await followed();
  let from = performance.now();
  await db.query(`select tideway.resume('items')`);
  await until(
    `select from (select count(*) from tideway_private.links where synced_at is not null) c where c.count = $1`,
    [few],
  );
  say(
    'outbox -> sink, creates, 500-row batches',
    `${rate(few, from)} rows/s, ${(await ask('/stats')).requests} requests`,
  );

  await db.query(`select tideway.pause('items')`);
  await db.query('update items set qty = qty + 1');
  await followed();
  await ask('/reset');
  from = performance.now();
  await db.query(`select tideway.resume('items')`);
  await until(
    'select where not exists (select from tideway_private.outbox) and not exists (select from tideway_private.in_flight)',
  );
  const updates = await ask('/stats');
  say('outbox -> sink, updates, 500-row batches', `${rate(few, from)} rows/s, ${updates.requests} requests`);

  // Commit to request, one row at a time, a hundred a second.
  await ask('/reset');
  const sent = new Map();
  for (let n = 0; n < 1_000; n += 1) {
    const at = Date.now();
    sent.set(1_000_000 + n, at);
    await db.query('update items set qty = $1 where id = $2', [1_000_000 + n, 1 + n]);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, 10 - (Date.now() - at))));
  }
  await followed();
  await until(
    'select where not exists (select from tideway_private.outbox) and not exists (select from tideway_private.in_flight)',
  );
  const waits = (await ask('/stats')).arrivals.map(([qty, at]) => at - sent.get(qty)).sort((a, b) => a - b);
  const at = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))];
  say('statement -> request at 100/s', `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms (${waits.length} single-row requests)`);

  // Many changes to few rows, while pushes go on and while they wait.
  await ask('/reset');
  await db.query('call churn($1, 100, $2)', [many, few]);
  await followed();
  await until(
    'select where not exists (select from tideway_private.outbox) and not exists (select from tideway_private.in_flight)',
  );
  say(`requests for ${many} changes to ${few} rows, pushed meanwhile`, (await ask('/stats')).requests);
  await db.query(`select tideway.pause('items')`);
  await ask('/reset');
  await db.query('call churn($1, 100, $2)', [many, few]);
  await followed();
  await db.query(`select tideway.resume('items')`);
  await until(
    'select where not exists (select from tideway_private.outbox) and not exists (select from tideway_private.in_flight)',
  );
  say(`requests for ${many} changes to ${few} rows, pushed afterwards`, (await ask('/stats')).requests);

  // The log, caught up with from a stop, against a reader that throws everything away.
  await db.query(`select tideway.pause('items')`);
  for (const size of [100, 1]) {
    const count = size === 1 ? Math.round(many / 4) : many;
    const ratios = [];
    const own = [];
    for (let round = 0; round < 3; round += 1) {
      await followed();
      await daemon.stop();
      await db.query(`select pg_create_logical_replication_slot('bench_peer', 'pgoutput')`);
      await db.query('call churn($1, $2, $3)', [count, size, few]);
      const end = await here();
      const peer = await recvlogical(url, end);
      await db.query(`select pg_drop_replication_slot('bench_peer')`);
      daemon = await start();
      const ours =
        (await until(`select from tideway_private.positions where slot = 'bench_own' and lsn >= $1::pg_lsn`, [end])) -
        daemon.began;
      ratios.push(peer / ours);
      own.push(count / (ours / 1000));
    }
    say(
      `log -> committed outbox, ${size}-row transactions`,
      `${Math.round(median(own))} changes/s, ${median(ratios).toFixed(2)} x pg_recvlogical`,
    );
  }
  say('memory of the daemon at the end', `${daemon.rss()} MB`);

  await daemon.stop();
  await db.end();
  app.kill();
  await clean();
  await admin.end();
}

function rate(rows, from) {
  return Math.round(rows / ((performance.now() - from) / 1000));
}

function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
}

function rssOf(pid) {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
}

async function recvlogical(url, end) {
  const from = performance.now();
  const { hostname, port, username, password, pathname } = new URL(url);
  const args = [
    '-h',
    hostname,
    '-p',
    port,
    '-U',
    username,
    '-d',
    pathname.slice(1),
    '-S',
    'bench_peer',
    '--start',
    '-f',
    '/dev/null',
  ];
  const child = spawn(
    'pg_recvlogical',
    [...args, '-E', end, '-o', 'proto_version=1', '-o', 'publication_names=tideway'],
    {
      env: { PATH: `${process.env.PATH}:/usr/lib/postgresql/15/bin`, PGPASSWORD: decodeURIComponent(password) },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await new Promise((resolve) => child.once('exit', resolve));
  return performance.now() - from;
}
