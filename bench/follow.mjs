// Compares readers of one replication slot; see README.md. Needs `npm run build`.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const url = process.env.BENCH_DATABASE_URL;
if (!url) {
  console.error('Set BENCH_DATABASE_URL to a scratch database on a server with wal_level=logical.');
  process.exit(2);
}

const script = fileURLToPath(import.meta.url);
const [role, slot, last] = process.argv.slice(2);

async function own() {
  const { openReader } = await import('../dist/src/follow/reader.js');
  const stream = await openReader({ connection: { connectionString: url }, slot, publication: 'bench' });
  let rows = 0;
  for await (const { events, position } of stream) {
    for (const event of events) {
      if ('key' in event) rows += 1;
      else if (event.kind === 'message' && event.content === last) return rows;
    }
    if (position !== undefined) stream.confirm(position);
  }
  return rows;
}

async function plr() {
  const { LogicalReplicationService, PgoutputPlugin } = await import('pg-logical-replication');
  // The only settings that never acknowledge what was not handled.
  const service = new LogicalReplicationService(
    { connectionString: url },
    { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
  );
  let rows = 0;
  let confirmed = '0/0';
  await new Promise((resolve, reject) => {
    service.on('error', reject);
    service.on('heartbeat', (_lsn, _time, shouldRespond) => {
      if (shouldRespond) void service.acknowledge(confirmed);
    });
    service.on('data', async (_lsn, message) => {
      if (message.tag === 'insert' || message.tag === 'update' || message.tag === 'delete') rows += 1;
      else if (message.tag === 'commit') confirmed = message.commitEndLsn;
      else if (message.tag === 'message' && Buffer.from(message.content).toString() === last) resolve();
    });
    service
      .subscribe(new PgoutputPlugin({ protoVersion: 1, publicationNames: ['bench'], messages: true }), slot)
      .catch(reject);
  });
  await service.acknowledge(confirmed);
  void service.stop();
  return rows;
}

if (role === 'own' || role === 'plr') {
  const rows = await (role === 'own' ? own() : plr());
  console.log(JSON.stringify({ rows, rss: process.resourceUsage().maxRSS / 1024 }));
  process.exit(0);
}

function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.on('exit', (code) => (code === 0 ? resolve(out) : reject(new Error(`${command} ended with ${code}`))));
  });
}

const sql = new pg.Client(url);
await sql.connect();
const scale = Number(process.env.BENCH_SCALE ?? 1);
const runs = Number(process.env.BENCH_RUNS ?? 3);
const shapes = [
  { name: '1-row transactions', transactions: 100_000, rows: 1 },
  { name: '100-row transactions', transactions: 10_000, rows: 100 },
  { name: 'one 1M-row transaction', transactions: 1, rows: 1_000_000 },
];
await sql.query(`drop table if exists bench; drop publication if exists bench;
  create table bench (id bigint primary key, a text, b text, c text, n numeric(12,2), ok bool, ts timestamptz, j jsonb);
  create publication bench for table bench`);
await sql.query(`create or replace procedure bench_fill(transactions int, width int) language plpgsql as $$
  declare base bigint := coalesce((select max(id) from bench), 0);
  begin
    for t in 1..transactions loop
      insert into bench select base + (t - 1) * width::bigint + g, md5(g::text), md5(t::text), repeat('x', 60), g * 1.25, true, now(),
        '{"k": 1}' from generate_series(1, width) g;
      commit;
    end loop;
  end $$`);
await sql.query('set synchronous_commit = off');
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

for (const shape of shapes) {
  const transactions = shape.transactions === 1 ? 1 : Math.ceil(shape.transactions * scale);
  const width = shape.transactions === 1 ? Math.ceil(shape.rows * scale) : shape.rows;
  await sql.query(`select pg_create_logical_replication_slot('bench_origin', 'pgoutput')`);
  await sql.query(`call bench_fill(${transactions}, ${width})`);
  const mark = `end ${Date.now()}`;
  await sql.query(`select pg_logical_emit_message(false, 'tideway.heartbeat', $1)`, [mark]);
  await sql.query(
    'set synchronous_commit = on; insert into bench values (-1); delete from bench where id = -1; set synchronous_commit = off',
  );
  const {
    rows: [{ at }],
  } = await sql.query('select pg_current_wal_lsn()::text as at');
  const seconds = { own: [], plr: [], recv: [] };
  const rss = { own: 0, plr: 0 };
  for (let turn = 0; turn < runs; turn += 1) {
    for (const reader of ['recv', 'own', 'plr']) {
      await sql.query(`select pg_copy_logical_replication_slot('bench_origin', 'bench_copy')`);
      const start = process.hrtime.bigint();
      if (reader === 'recv') {
        await run('pg_recvlogical', [
          '-d',
          url,
          '--slot=bench_copy',
          '--start',
          '--no-loop',
          '-f',
          '/dev/null',
          '-o',
          'proto_version=1',
          '-o',
          'publication_names=bench',
          '-o',
          'messages=true',
          `--endpos=${at}`,
        ]);
      } else {
        const answer = JSON.parse(await run(process.execPath, [script, reader, 'bench_copy', mark]));
        if (answer.rows !== transactions * width) throw new Error(`${reader} saw ${answer.rows} rows`);
        rss[reader] = Math.max(rss[reader], answer.rss);
      }
      seconds[reader].push(Number(process.hrtime.bigint() - start) / 1e9);
      await sql.query(
        `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = 'bench_copy' and active`,
      );
      await sql.query(`select pg_drop_replication_slot('bench_copy')`);
    }
  }
  await sql.query(`select pg_drop_replication_slot('bench_origin')`);
  const rate = (reader) => Math.round((transactions * width) / median(seconds[reader]));
  console.log(
    `${shape.name}: recvlogical ${rate('recv')}/s, own ${rate('own')}/s (${(rate('own') / rate('recv')).toFixed(2)} x recvlogical, ` +
      `${(rate('own') / rate('plr')).toFixed(2)} x plr; ${Math.round(rss.own)} MB), plr ${rate('plr')}/s (${Math.round(rss.plr)} MB)`,
  );
}
await sql.end();
