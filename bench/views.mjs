// What a person waits for: every view over a long history; see README.md.
import { bench, median, quick, rounds, say, timed, whole } from './harness.mjs';

const [log, links, errors, mappings] = quick ? [20_000, 5_000, 1_000, 20] : [10_000_000, 1_000_000, 100_000, 200];
const limit = 50;

/** What a person types: the newest of a log, and the whole of a status. */
const questions = [
  'health',
  'metrics',
  'mapping_status',
  'queue_status',
  'entity_sync_stats',
  'replication_status',
  'active_syncs',
  'sync_history order by created_at desc limit 100',
  `sync_logs where status = 'error' order by created_at desc limit 10`,
  'sync_logs order by created_at desc limit 10',
  'recent_logs order by created_at desc limit 100',
  `sync_stats where hour > now() - interval '24 hours' order by hour desc`,
  'sync_stats order by hour desc limit 24',
  `mapping_stats where hour > now() - interval '24 hours' order by hour desc`,
  'sync_stats_daily',
  'sync_duration_trends',
  'slow_syncs limit 100',
  'failed_syncs limit 100',
  'failed_rows limit 100',
  'open_conflicts limit 100',
  'held_deletions limit 100',
  'kpi_report(7)',
];

// The log of filling is not kept for long: the rows need the disk.
await bench(
  async (server) => {
    const db = await server.connect();
    await db.query('set client_min_messages = error');
    await fill(db);
    const found = [];
    for (const question of questions) {
      const ask = async () => (await timed(() => db.query(`select * from tideway.${question}`))).seconds * 1000;
      const first = await ask();
      const times = [];
      for (let n = 0; n < Math.max(rounds, 3); n += 1) times.push(await ask());
      found.push({ question, first, middle: median(times) });
    }
    const slow = found.filter(({ middle }) => middle > limit).length;
    return {
      heads: ['view', `x limit of ${limit} ms`, 'ms', 'first ms'],
      rows: found
        .toSorted((a, b) => b.middle - a.middle)
        .map(({ question, first, middle }) => [
          question.replaceAll('|', '/'),
          (middle / limit).toFixed(2),
          middle.toFixed(1),
          first.toFixed(1),
        ]),
      notes: [
        `${whole(log)} log rows, ${whole(links)} links, ${whole(errors)} errors, ${mappings} mappings; ${slow} of ${questions.length} above ${limit} ms.`,
      ],
      raw: found,
    };
  },
  { max_wal_size: '1GB' },
);

async function fill(db) {
  // Triggers check organisations row by row, which is not what is measured here.
  await db.query(
    `set session_replication_role = replica; set synchronous_commit = off; set work_mem = '64MB'; set maintenance_work_mem = '256MB'`,
  );
  await db.query(
    `select tideway_private.make_partition('tideway.sync_activity_log', now() - n * interval '1 month') from generate_series(-3, 1) n`,
  );
  await db.query(`create table public.bench (id bigint primary key)`);
  await db.query(
    `insert into tideway.connections (org_id, name, system) select 'default', 'c' || g, 'glide' from generate_series(1, 4) g`,
  );
  await db.query(`
    insert into tideway.mappings (org_id, name, connection_id, remote_table, local_table, local_name, key_columns, direction, run_as, state)
    select 'default', 'm' || g, (select id from tideway.connections where name = 'c' || (1 + g % 4)), 't', 'public.bench', 'public.bench', '{id}', 'both', 'tideway_daemon', 'active'
      from generate_series(1, ${mappings}) g`);
  await db.query(
    `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image)
     select (select min(number) from tideway.mappings) + g % ${mappings}, 'default', g::text, 'r' || g, g % 16, '{"name": "x"}' from generate_series(1, $1::int) g`,
    [links],
  );
  await db.query(
    `insert into tideway.sync_errors (org_id, mapping_id, connection_id, direction, local_key, error_class, code, message, last_seen_at)
     select 'default', m.id, m.connection_id, 'push', g::text, 'API_ERROR', 'NOT_FOUND', 'gone', now() - g * interval '1 second'
       from generate_series(1, $1::int) g join tideway.mappings m on m.name = 'm' || (1 + g % ${mappings})`,
    [errors],
  );
  await db.query(
    `insert into tideway_private.waiting (mapping, local_key, org_id, reason)
     select m.number, g::text, 'default', 'failed' from generate_series(1, $1::int) g join tideway.mappings m on m.name = 'm' || (1 + g % ${mappings})`,
    [errors],
  );
  await db.query(
    `insert into tideway_private.outbox (mapping, local_key, lane, org_id)
     select m.number, g::text, g % 16, 'default' from generate_series(1, 100000) g join tideway.mappings m on m.name = 'm' || (1 + g % ${mappings})`,
  );
  for (let from = 0; from < log; from += 1_000_000) {
    await db.query(
      `insert into tideway.sync_activity_log
         (org_id, sync_id, mapping_id, connection_id, entity_type, action, status, record_id, record_count, error_message, duration_ms, duration_seconds, created_at)
       select 'default', 's' || g / 100, m.id, null, 'customer', 'push',
              case when g % 100 = 0 then 'failed' else 'completed' end, case when g % 100 = 0 then g::text end, 1 + g % 50,
              case when g % 100 = 0 then 'refused' end, 50 + g * 7919::bigint % 3000, (50 + g * 7919::bigint % 3000) / 1000.0,
              now() - g * interval '29 days' / $1::bigint
         from generate_series($2::bigint + 1, least($2::bigint + 1000000, $1::bigint)) g
         join (select id, row_number() over () as nr from tideway.mappings) m on m.nr = 1 + g % ${mappings}`,
      [log, from],
    );
  }
  await db.query(`
    insert into tideway.sync_runs (org_id, connection_id, mapping_id, kind, trigger, status, started_at, completed_at, rows_processed)
    select 'default', m.connection_id, m.id, 'pull', 'scheduled', 'completed', now() - g * interval '4 minutes', now() - g * interval '4 minutes' + interval '20 s', g % 100
      from generate_series(1, 100000) g join tideway.mappings m on m.name = 'm' || (1 + g % ${mappings})`);
  await db.query(`
    insert into tideway.sync_progress (org_id, sync_id, entity_type, status, total_items, processed_count, speed_items_per_min, elapsed_seconds, started_at, completed_at)
    select 'default', g::text, 'e' || g % 10, 'completed', 100, 100, 300 + g % 300, 20, now() - g * interval '25 seconds', now() - g * interval '25 seconds' + interval '20 s'
      from generate_series(1, 100000) g`);
  await db.query('set session_replication_role = origin');
  await db.query('vacuum analyze');
  const { seconds } = await timed(() => db.query('select * from tideway.maintain()'));
  say(`maintain(), which counts the whole log, took ${seconds.toFixed(1)} s`);
  await db.query('vacuum analyze');
}
