// Whether a row costs the same however big the table around it is; see README.md.
import { bench, mapTable, median, quick, rounds, say, timed, whole } from './harness.mjs';

const sizes = quick ? [1_000, 3_000, 10_000] : [10_000, 100_000, 1_000_000, 10_000_000];
const width = quick ? 1_000 : 10_000;
/** As many rows are touched in every table, but for those that have fewer. */
const touched = quick ? 3_000 : 50_000;
const changing = sizes[0];
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
  /** Seconds of pages from these places on. */
  const apply = async (map, places, counted) => {
    const run = await newRun(map);
    let took = 0;
    for (const from of places) {
      const records = page(from, width);
      took += (
        await timed(() =>
          daemon.query(
            `select tideway_private.apply_page($1, $2, $3, a.asked, a.asked_at, $4) from tideway_private.ask_moment() a`,
            [map.number, run, map.epoch, records],
          ),
        )
      ).seconds;
    }
    const {
      rows: [ended],
    } = await root.query(
      `update tideway.sync_runs set status = 'completed', completed_at = now() where id = $1 returning (${counted})::int as counted`,
      [run],
    );
    if (ended.counted !== places.length * width)
      throw new Error(`${map.table}: ${counted} is ${ended.counted}, not ${places.length * width}`);
    return took;
  };
  const steps = (count, by) => Array.from({ length: count }, (_, n) => n * by);
  /** Places spread evenly over the table, for pieces of so many rows. */
  const spread = (map, piece) => {
    const count = Math.min(touched, map.size) / piece;
    return steps(count, Math.floor(map.size / count / piece) * piece);
  };
  const load = (map) =>
    apply(
      map,
      spread(map, width).map((_, n) => map.size + n * width + 1),
      'rows_created',
    );
  const unchanged = (map) =>
    apply(
      map,
      spread(map, width).map((place) => place + 1),
      'rows_processed - rows_created - rows_updated - rows_failed - rows_held',
    );
  /** What the load left, so that every round finds the same tables. */
  const unload = async (map, { link }) => {
    await root.query(`delete from ${map.table} where id > $1`, [map.size]);
    await root.query('delete from tideway_private.links where id > $1', [link]);
    await root.query(`vacuum analyze ${map.table}`);
  };
  const lastLink = async () => (await root.query('select max(id) as link from tideway_private.links')).rows[0];
  /** A number of rows, spread over the table, from the mark to the stored answer; afterwards both sides are as they were. */
  const push = async (map) => {
    const step = Math.floor(map.size / changing);
    await root.query(`update ${map.table} set name = name || ' again' where id % $1 = 0 and id <= $2`, [
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
    await root.query(`update ${map.table} set name = 'order ' || id where id = any ($1::bigint[])`, [keys]);
    await root.query(
      `update tideway_private.links set local_image = local_image || jsonb_build_object('name', 'order ' || local_key)
        where mapping = $1 and local_key = any ($2)`,
      [map.number, keys],
    );
    await root.query(`vacuum analyze ${map.table}`);
    return seconds;
  };
  /** Ranges of rows with their links, as after a lost slot. */
  const compare = async (map) => {
    const piece = Math.min(width, 5_000);
    let found = 0;
    let checked = 0;
    const { seconds } = await timed(async () => {
      for (const place of spread(map, piece)) {
        const { rows } = await daemon.query('select * from tideway_private.compare_range($1, $2, $3, $4)', [
          map.number,
          map.epoch,
          place === 0 ? null : String(place),
          piece,
        ]);
        checked += rows[0].checked;
        found += rows[0].keys?.length ?? 0;
      }
    });
    if (found > 0 || checked !== Math.min(touched, map.size))
      throw new Error(`${map.table}: ${found} of ${checked} rows differ, none should`);
    return seconds;
  };

  /** One page goes through the engine, and the rest is made after its pattern: ten million rows in pages would take half an hour. */
  const fill = async (map) => {
    await apply(map, [1], 'rows_created');
    await root.query(
      `insert into ${map.table} (id, name, amount, changed)
       select n, 'order ' || n, o.amount, o.changed
         from generate_series($1::int + 1, $2::int) n
         join ${map.table} o on o.id = 1 + (n - 1) % $1::int`,
      [width, map.size],
    );
    await root.query(
      `insert into tideway_private.links (mapping, org_id, local_key, remote_id, lane, local_image, remote_diff, touched_at, pulled_at, synced_at)
       select l.mapping, l.org_id, n::text, 'r' || n, (hashtextextended(n::text, 0) & 15)::smallint,
              l.local_image || jsonb_build_object('id', n, 'name', 'order ' || n), l.remote_diff, l.touched_at, l.pulled_at, l.synced_at
         from generate_series($2::int + 1, $3::int) n
         join tideway_private.links l on l.mapping = $1 and l.local_key = (1 + (n - 1) % $2::int)::text`,
      [map.number, width, map.size],
    );
    await root.query(`vacuum analyze ${map.table}`);
    await root.query('vacuum analyze tideway_private.links');
    say(`${whole(map.size)} rows are there`);
  };
  for (const map of maps) await fill(map);

  const works = {
    'load of new records': [load, (map) => Math.min(touched, map.size)],
    unchanged: [unchanged, (map) => Math.min(touched, map.size)],
    compare: [compare, (map) => Math.min(touched, map.size)],
    [`push of ${whole(changing)} changed rows`]: [push, () => changing],
  };
  const found = Object.fromEntries(
    Object.keys(works).map((what) => [what, Object.fromEntries(sizes.map((size) => [size, []]))]),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const [what, [work, count]] of Object.entries(works)) {
      for (const map of round % 2 === 0 ? maps : maps.toReversed()) {
        const before = await lastLink();
        const seconds = await work(map);
        found[what][map.size].push((seconds / count(map)) * 1e6);
        say(`round ${round + 1} of ${rounds}, ${what}, ${whole(map.size)} rows: took ${seconds.toFixed(1)} s`);
        if (work === load) await unload(map, before);
      }
      await root.query('truncate tideway_private.field_lineage');
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
      `The statements that the daemon sends, without HTTP: pages of ${whole(width)} records, ranges of ${whole(Math.min(width, 5_000))} rows, batches of ${batch}. At most ${whole(touched)} rows are touched, spread over each table, so the exponents say what a bigger table around them costs.`,
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
