// Whether the cost of a row stays the same as tables grow; --huge goes to 10,000,000 rows; see README.md.
import { bench, mapTable, median, quick, rounds, say, timed, whole } from './harness.mjs';

const huge = process.argv.includes('--huge');
const sizes = quick ? [1_000, 3_000, 10_000] : [10_000, 100_000, 1_000_000, ...(huge ? [10_000_000] : [])];
const width = quick ? 1_000 : 10_000;
/** As many rows change in every table, however big it is. */
const changing = Math.min(sizes[0], 10_000);
const batch = 500;
const columns = 'id bigint primary key, name text, amount numeric(10,2), changed timestamptz';

await bench(async (server) => {
  const root = await server.connect();
  const daemon = await server.connect('tideway_daemon');
  const maps = [];
  for (const size of sizes)
    maps.push({
      size,
      table: `app.orders_${size}`,
      ...(await mapTable(server, { name: `orders ${size}`, table: `orders_${size}`, columns, direction: 'both' })),
    });
  const {
    rows: [{ follower }],
  } = await root.query(
    `select (select epoch from tideway_private.start_following('bench', 'bench', 1, 'bench')) as follower`,
  );

  const page = (from, count) =>
    Array.from({ length: count }, (_, n) => {
      const i = from + n;
      return `{"id":"r${i}","fields":{"Id":${i},"Name":"order ${i}","Amount":${(i % 1000) / 10},"Changed":"2024-01-01T00:00:00+00:00"}}`;
    }).join('\n');
  const newRun = async (map) =>
    (
      await root.query(
        `insert into tideway.sync_runs (org_id, connection_id, mapping_id, kind) select org_id, connection_id, id, 'full' from tideway.mappings where number = $1 returning id`,
        [map.number],
      )
    ).rows[0].id;
  /** Seconds of all pages of the table. */
  const apply = async (map) => {
    const run = await newRun(map);
    let took = 0;
    for (let from = 1; from <= map.size; from += width) {
      const records = page(from, Math.min(width, map.size - from + 1));
      took += (
        await timed(() =>
          daemon.query(
            `select tideway_private.apply_page($1, $2, $3, a.asked, a.asked_at, $4) from tideway_private.ask_moment() a`,
            [map.number, run, map.epoch, records],
          ),
        )
      ).seconds;
    }
    await root.query(`update tideway.sync_runs set status = 'completed', completed_at = now() where id = $1`, [run]);
    return took;
  };
  /** A number of rows, spread over the table, from the mark to the stored answer. */
  const push = async (map, round) => {
    const step = Math.floor(map.size / changing);
    await root.query(`update ${map.table} set name = name || ' ' || $1 where id % $2 = 0 and id <= $3`, [
      `${round}`,
      step,
      step * changing,
    ]);
    await root.query(`vacuum analyze ${map.table}`);
    const { rows } = await root.query(`select '${map.table}'::regclass::oid as oid`);
    const keys = Array.from({ length: changing }, (_, n) => String((n + 1) * step)).sort();
    const { seconds } = await timed(async () => {
      for (let from = 0; from < keys.length; from += 5_000)
        await daemon.query(
          `select tideway_private.mark_changes('bench', $1, '0/1', array_fill($2::oid, array[cardinality($3::text[])]), $3,
                    array_fill(1::smallint, array[cardinality($3::text[])]), array_fill(null::bigint, array[cardinality($3::text[])]))`,
          [follower, rows[0].oid, keys.slice(from, from + 5_000)],
        );
      for (let sent = 0; sent < changing;) {
        const claimed = await daemon.query('select tideway_private.claim_push($1, $2, $3, $4) as id', [
          map.number,
          map.epoch,
          batch,
          0xffff,
        ]);
        const { id } = claimed.rows[0];
        if (id === null) throw new Error(`${map.table}: ${sent} of ${changing} rows were claimed`);
        const { rows: planned } = await daemon.query(
          'select link_id, payload from tideway_private.prepare_push($1, $2)',
          [id, map.epoch],
        );
        const outcomes = planned.map(({ link_id, payload }) => ({ link_id, result: 'written', shown: payload }));
        await daemon.query('select tideway_private.complete_push($1, $2, $3::jsonb)', [
          id,
          map.epoch,
          JSON.stringify(outcomes),
        ]);
        sent += planned.length;
      }
    });
    return seconds;
  };
  /** All rows with their links, as after a lost slot. */
  const compare = async (map) => {
    let after = null;
    let found = 0;
    const { seconds } = await timed(async () => {
      for (let checked = 5_000; checked === 5_000;) {
        const { rows } = await daemon.query('select * from tideway_private.compare_range($1, $2, $3, 5000)', [
          map.number,
          map.epoch,
          after,
        ]);
        ({ checked } = rows[0]);
        found += rows[0].keys?.length ?? 0;
        after = rows[0].last_key ?? after;
      }
    });
    if (found > 0) throw new Error(`${map.table}: ${found} rows differ, none should`);
    return seconds;
  };

  const steps = {
    'first load': [apply, (map) => map.size],
    unchanged: [apply, (map) => map.size],
    compare: [compare, (map) => map.size],
    [`push of ${whole(changing)} changed rows`]: [push, () => changing],
  };
  const found = Object.fromEntries(
    Object.keys(steps).map((step) => [step, Object.fromEntries(sizes.map((size) => [size, []]))]),
  );
  for (let round = 0; round < rounds; round += 1) {
    await root.query(`truncate ${maps.map(({ table }) => table).join(', ')}, tideway_private.field_lineage`);
    await root.query(
      'delete from tideway_private.links; delete from tideway_private.outbox; delete from tideway_private.in_flight',
    );
    await root.query('vacuum analyze tideway_private.links');
    for (const [step, [work, count]] of Object.entries(steps)) {
      for (const map of round % 2 === 0 ? maps : maps.toReversed()) {
        const seconds = await work(map, round);
        found[step][map.size].push((seconds / count(map)) * 1e6);
        say(`round ${round + 1} of ${rounds}, ${step}, ${whole(map.size)} rows: took ${seconds.toFixed(1)} s`);
        if (step === 'first load') await root.query(`vacuum analyze ${map.table}`);
      }
      await root.query('vacuum analyze tideway_private.links');
    }
  }

  return {
    heads: ['', 'exponent (goal 1.05)', ...sizes.map((size) => `us per row at ${whole(size)} rows`)],
    rows: Object.entries(found).map(([step, costs]) => {
      const middles = sizes.map((size) => median(costs[size]));
      return [
        step,
        (1 + slope(sizes.map(Math.log), middles.map(Math.log))).toFixed(3),
        ...middles.map((cost) => cost.toFixed(1)),
      ];
    }),
    notes: [
      `Cost of n rows ~ n to the exponent: 1 is a flat cost per row. ${rounds} round(s), the sizes in turns, all tables in one database; the slope of log(cost per row) over log(rows), and one.`,
      `The statements that the daemon sends, without HTTP: pages of ${whole(width)} records, ranges of 5,000 rows, batches of ${batch}. The push changes as many rows in every table, so its exponent says what a bigger table around them costs.`,
      ...(huge ? [] : ['10,000,000 rows are measured with --huge.']),
    ],
    raw: found,
  };
});

/** Of the straight line with the least squares. */
function slope(xs, ys) {
  const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
  const [x, y] = [mean(xs), mean(ys)];
  const over = xs.reduce((sum, one, n) => sum + (one - x) * (ys[n] - y), 0);
  return over / xs.reduce((sum, one) => sum + (one - x) ** 2, 0);
}
