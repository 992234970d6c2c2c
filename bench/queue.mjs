// Draining the outbox against job queues on the same rows, in turns; see README.md.
import { setTimeout as pause } from 'node:timers/promises';
import { run as runWorker, runMigrations, Logger } from 'graphile-worker';
import PgBoss from 'pg-boss';
import pg from 'pg';
import { bench, inTurns, mapTable, median, quantile, quick, ratio, rounds, timed, whole } from './harness.mjs';

const rows = quick ? 20_000 : 1_000_000;
const turn = quick ? 1_500 : 15_000;
const workers = 2;
const batch = 500;
const arriving = 20_000;
const lanes = [0x5555, 0xaaaa];

await bench(async (server) => {
  const map = await mapTable(server, {
    name: 'orders',
    table: 'orders',
    columns: 'id bigint primary key, name text, amount numeric(10,2), changed timestamptz',
    direction: 'both',
  });
  const root = await server.connect();
  await root.query(`set synchronous_commit = off`);
  await root.query(
    `insert into app.orders select g, 'order ' || g, g % 1000 / 10.0, '2024-01-01 00:00:00+00' from generate_series(1, $1::int) g`,
    [rows],
  );
  await root.query(
    `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, touched_at, synced_at)
     select $1, 'default', o.id::text, 'r' || o.id, (hashtextextended(o.id::text, 0) & 15)::smallint,
            jsonb_build_object('id', o.id, 'name', o.name, 'amount', o.amount, 'changed', o.changed),
            jsonb_build_object('changed', '2024-01-01T00:00:00+00:00'), 0, now()
       from app.orders o`,
    [map.number],
  );
  const {
    rows: [{ oid, follower }],
  } = await root.query(
    `select 'app.orders'::regclass::oid as oid, (select epoch from tideway_private.start_following('bench', 'bench', 1, 'bench')) as follower`,
  );
  const boss = new PgBoss({ connectionString: server.url, supervise: false, schedule: false, max: workers + 1 });
  boss.on('error', () => {});
  await boss.start();
  await boss.createQueue('orders');
  await runMigrations({ connectionString: server.url, logger: new Logger(() => () => {}) });
  await root.query('vacuum analyze');

  const mark = (client, keys) =>
    client.query(
      `select tideway_private.mark_changes('bench', $1, '0/1', array_fill($2::oid, array[cardinality($3::text[])]), $3,
                array_fill(1::smallint, array[cardinality($3::text[])]), array_fill(null::bigint, array[cardinality($3::text[])]))`,
      [follower, oid, keys],
    );
  const sorted = (keys) => [...new Set(keys)].sort();

  async function fillOutbox() {
    await root.query('truncate tideway_private.outbox');
    await root.query(
      `insert into tideway_private.outbox (mapping, local_key, lane, op, org_id)
       select $1, id::text, (hashtextextended(id::text, 0) & 15)::smallint, 1, 'default' from app.orders order by random()`,
      [map.number],
    );
    await root.query('vacuum analyze tideway_private.outbox');
  }

  /** Two workers and one follower for a while: what was drained, and how long each step took. */
  async function drainOutbox() {
    await fillOutbox();
    const steps = { claim: [], prepare: [], complete: [], mark: [] };
    let [drained, sent, marked] = [0, 0, 0];
    const end = Date.now() + turn;
    const worker = async (mask) => {
      const client = await server.connect('tideway_daemon');
      while (Date.now() < end) {
        const claimed = await timed(async () => {
          const { rows } = await client.query('select tideway_private.claim_push($1, $2, $3, $4) as id', [
            map.number,
            map.epoch,
            batch,
            mask,
          ]);
          return rows[0].id;
        });
        if (claimed.value === null) {
          await pause(2);
          continue;
        }
        steps.claim.push(claimed.seconds);
        const { rows: counted } = await client.query(
          'select cardinality(keys) as keys from tideway_private.in_flight where id = $1',
          [claimed.value],
        );
        const prepared = await timed(async () => {
          const { rows } = await client.query('select link_id, payload from tideway_private.prepare_push($1, $2)', [
            claimed.value,
            map.epoch,
          ]);
          return rows;
        });
        steps.prepare.push(prepared.seconds);
        if (prepared.value.length > 0) {
          const outcomes = prepared.value.map(({ link_id, payload }) => ({
            link_id,
            result: 'written',
            shown: payload,
          }));
          const { seconds } = await timed(() =>
            client.query('select tideway_private.complete_push($1, $2, $3::jsonb)', [
              claimed.value,
              map.epoch,
              JSON.stringify(outcomes),
            ]),
          );
          steps.complete.push(seconds);
          sent += prepared.value.length;
        }
        drained += counted[0].keys;
      }
      await client.end();
    };
    const follower = async () => {
      const client = await server.connect('tideway_daemon');
      const start = Date.now();
      while (Date.now() < end) {
        const due = ((Date.now() - start) / 1000) * arriving - marked;
        if (due < batch) {
          await pause(5);
          continue;
        }
        const keys = sorted(Array.from({ length: batch }, () => String(1 + Math.floor(Math.random() * rows))));
        steps.mark.push((await timed(() => mark(client, keys))).seconds);
        marked += batch;
      }
      await client.end();
    };
    const { seconds } = await timed(() => Promise.all([...lanes.slice(0, workers).map(worker), follower()]));
    return { rate: drained / seconds, sent: sent / drained, arrived: marked / seconds, steps };
  }

  async function drainBoss() {
    await boss.clearStorage();
    for (let from = 0; from < rows; from += 10_000)
      await boss.insert(
        Array.from({ length: Math.min(10_000, rows - from) }, (_, n) => ({
          name: 'orders',
          data: { id: from + n + 1 },
        })),
      );
    await root.query('vacuum analyze pgboss.job');
    let drained = 0;
    const end = Date.now() + turn;
    const worker = async () => {
      while (Date.now() < end) {
        const jobs = await boss.fetch('orders', { batchSize: batch });
        if (!jobs?.length) continue;
        await boss.complete(
          'orders',
          jobs.map(({ id }) => id),
        );
        drained += jobs.length;
      }
    };
    const { seconds } = await timed(() => Promise.all(Array.from({ length: workers }, worker)));
    return { rate: drained / seconds };
  }

  async function drainGraphile() {
    await root.query('truncate graphile_worker._private_jobs');
    await root.query(
      `select count(*) from graphile_worker.add_jobs(array(
         select json_populate_record(null::graphile_worker.job_spec, json_build_object('identifier', 'noop', 'payload', json_build_object('id', g)))
           from generate_series(1, $1::int) g))`,
      [Math.min(rows, 200_000)],
    );
    await root.query('vacuum analyze graphile_worker._private_jobs');
    let drained = 0;
    const pgPool = new pg.Pool({ connectionString: server.url, max: workers + 2 });
    pgPool.on('error', () => {});
    const { seconds } = await timed(async () => {
      const runner = await runWorker({
        pgPool,
        concurrency: workers,
        noHandleSignals: true,
        logger: new Logger(() => () => {}),
        taskList: { noop: () => void (drained += 1) },
      });
      await pause(turn);
      await runner.stop();
    });
    await pgPool.end();
    return { rate: drained / seconds };
  }

  /** Every row differs from its link, by a value that the app has not seen; afterwards every row is as its link knows it. */
  async function drainSending(round) {
    await root.query(`update app.orders set name = 'order ' || id || ' of round ' || $1`, [round]);
    await root.query('vacuum analyze app.orders');
    const drained = await drainOutbox();
    await root.query('delete from tideway_private.in_flight');
    await root.query(`update app.orders o set name = 'order ' || id`);
    await root.query(
      `update tideway_private.links l set local_image = jsonb_build_object('id', o.id, 'name', o.name, 'amount', o.amount, 'changed', o.changed),
              sent = null, sent_local = null, sent_before = null, sent_op = null, rewrites = 0
         from app.orders o where l.mapping = $1 and l.local_key = o.id::text`,
      [map.number],
    );
    await root.query('vacuum analyze app.orders');
    await root.query('vacuum analyze tideway_private.links');
    return drained;
  }

  const result = await inTurns({ same: drainOutbox, send: drainSending, boss: drainBoss, graphile: drainGraphile });

  const {
    rows: [{ deadlocks, outbox, jobs }],
  } = await root.query(
    `select (select sum(deadlocks) from pg_stat_database)::int as deadlocks,
            pg_size_pretty(pg_total_relation_size('tideway_private.outbox')) as outbox,
            pg_size_pretty((select sum(pg_total_relation_size(relid)) from pg_partition_tree('pgboss.job'))) as jobs`,
  );
  const rates = (list) => list.map((one) => one.rate);
  const milliseconds = (list, step, part) => {
    const all = list.flatMap((one) => one.steps[step]);
    return all.length === 0 ? '–' : (quantile(all, part) * 1000).toFixed(1);
  };
  const line = (name, list) => [
    name,
    ratio(rates(list), rates(result.boss), 1),
    ratio(rates(list), rates(result.graphile), 1),
    whole(median(rates(list))),
    whole(median(list.map((one) => one.arrived))),
    ...['claim', 'prepare', 'complete'].map(
      (step) => `${milliseconds(list, step, 0.5)} / ${milliseconds(list, step, 0.99)}`,
    ),
  ];
  await boss.stop({ graceful: false, wait: false, close: true }).catch(() => {});
  return {
    heads: [
      `${batch}-row batches`,
      'x pg-boss (goal 8)',
      'x graphile-worker (goal 50)',
      'rows/s drained (goal 100,000)',
      'marks/s arriving',
      'claim ms p50 / p99',
      'prepare ms',
      'complete ms',
    ],
    rows: [
      line('rows that equal their link (dropped)', result.same),
      line(
        `rows that need a request (${Math.round(median(result.send.map((one) => one.sent)) * 100)} % sent)`,
        result.send,
      ),
      ['pg-boss 10.4.2 fetch + complete', '1', '', whole(median(rates(result.boss))), 'none', '', '', ''],
      ['graphile-worker 0.16.6 no-op', '', '1', whole(median(rates(result.graphile))), 'none', '', '', ''],
    ],
    notes: [
      `${rows.toLocaleString('en')} marks waiting at the start of each turn of ${turn / 1000} s, ${workers} workers, ${rounds} round(s) in turns; the peers had nothing arriving, which favours them.`,
      `Claim alone: ${Math.round((batch * workers) / median(result.same.flatMap((one) => one.steps.claim)) / 1000)} k rows/s were claims all that the workers did.`,
      `Deadlocks: ${deadlocks}. Outbox after the last turn: ${outbox}; pg-boss's table: ${jobs}.`,
    ],
    raw: Object.fromEntries(Object.entries(result).map(([side, list]) => [side, rates(list)])),
  };
});
