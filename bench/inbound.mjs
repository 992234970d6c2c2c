// The way from an app to committed rows, through the whole daemon, page after page; see README.md.
import {
  bench,
  inTurns,
  mapTable,
  median,
  quick,
  ratio,
  rounds,
  startDaemon,
  startStandIn,
  timed,
  untilRow,
  whole,
} from './harness.mjs';

const records = quick ? 20_000 : 1_000_000;
const width = 10_000;
const columns = `id bigint primary key, name text not null, price numeric(10,2), active boolean, made date, seen timestamptz, note text`;
const types = { price: 'number', active: 'boolean', made: 'date', seen: 'date-time', id: 'number' };
const names = ['id', 'name', 'price', 'active', 'made', 'seen', 'note'];

await bench(async (server) => {
  const bare = await mapTable(server, { name: 'bare', table: 'bare', columns, direction: 'pull' });
  const root = await server.connect();
  const direct = await server.connect('tideway_daemon');
  const app = await startStandIn();
  await root.query(`create table app.items (${columns}); alter table app.items owner to bench_owner`);
  await root.query(`insert into tideway.systems (system, title, settings_schema) values ('plain', 'Plain', '{}')`);
  await root.query(`select tideway.connect('bench', 'plain', $1, 'env:BENCH_TOKEN')`, [
    { base_url: `${app.url}/a1`, records_per_page: width },
  ]);
  await root.query(
    `select tideway.map('items', 'bench', 'records', 'app.items', $1, direction => 'pull', options => '{"schedule": "manual", "sweep_schedule": "manual"}')`,
    [
      JSON.stringify(
        names.map((name) => ({ local: name, remote: name, ...(types[name] ? { type: types[name] } : {}) })),
      ),
    ],
  );
  await root.query(`select tideway.activate('items')`);
  const daemon = await startDaemon(server.url);
  await untilRow(root, 'an active mapping', `select from tideway.mappings where name = 'items' and state = 'active'`);

  const throughDaemon = async () => {
    const { rows } = await root.query(`select tideway.sync_now('items', 'full') as run`);
    const cpu = daemon.cpu();
    const { seconds } = await timed(() =>
      untilRow(root, 'the end of the run', `select from tideway.sync_runs where id = $1 and completed_at is not null`, [
        rows[0].run,
      ]),
    );
    const {
      rows: [ended],
    } = await root.query(`select rows_processed::int as rows, status, timings from tideway.sync_runs where id = $1`, [
      rows[0].run,
    ]);
    if (ended.status !== 'completed' || ended.rows !== records)
      throw new Error(`The run ended as ${JSON.stringify(ended)}`);
    return { rate: records / seconds, timings: ended.timings, cpu: ((daemon.cpu() - cpu) / records) * 1e6 };
  };
  /** A page as the daemon would hand it to SQL. */
  const pageFrom = async (from) => {
    const answer = await fetch(`${app.url}/a1/v1/tables/records/records?cursor=${from}&limit=${width}`);
    const page = await answer.json();
    return page.records
      .map(({ id, values }) =>
        JSON.stringify({
          id,
          fields: Object.fromEntries(
            Object.entries(values).map(([name, value]) => [name[0].toUpperCase() + name.slice(1), value]),
          ),
        }),
      )
      .join('\n');
  };
  const bySql = async () => {
    const { rows } = await root.query(
      `insert into tideway.sync_runs (org_id, connection_id, mapping_id, kind) select org_id, connection_id, id, 'full' from tideway.mappings where name = 'bare' returning id`,
    );
    let took = 0;
    for (let from = 0; from < records; from += width) {
      const page = await pageFrom(from);
      const { seconds } = await timed(() =>
        direct.query(
          `select tideway_private.apply_page($1, $2, $3, a.asked, a.asked_at, $4) from tideway_private.ask_moment() a`,
          [bare.number, rows[0].id, bare.epoch, page],
        ),
      );
      took += seconds;
    }
    await root.query(`update tideway.sync_runs set status = 'completed', completed_at = now() where id = $1`, [
      rows[0].id,
    ]);
    return { rate: records / took };
  };

  const found = { 'first load': [], unchanged: [], '10 % changed': [] };
  for (let turn = 0; turn < rounds; turn += 1) {
    await root.query(`truncate app.items, app.bare; delete from tideway_private.links; truncate tideway_private.field_lineage, tideway_private.seen_pages;
                      delete from tideway_private.cursors`);
    await root.query('vacuum analyze tideway_private.links');
    for (const [what, round] of [
      ['first load', 2 * turn],
      ['unchanged', 2 * turn],
      ['10 % changed', 2 * turn + 1],
    ]) {
      await app.ask('show', { table: 'records', records, round, width });
      const sides = { daemon: throughDaemon, bare: bySql };
      const ordered = turn % 2 === 0 ? sides : { bare: sides.bare, daemon: sides.daemon };
      const { daemon: ours, bare: theirs } = await inTurns(ordered, { times: 1, what: `${what} ${turn + 1}` });
      found[what].push({ ours: ours[0], bare: theirs[0] });
      for (const table of ['app.items', 'app.bare', 'tideway_private.links'])
        await root.query(`vacuum analyze ${table}`);
    }
  }
  const memory = daemon.memory();
  await daemon.stop();

  return {
    heads: [
      'from the app to committed rows',
      'x bare apply_page (goal 0.7)',
      'rows/s',
      'bare rows/s',
      'daemon us of CPU per row (goal 3)',
      'ms in fetch / convert / apply / wait',
    ],
    rows: Object.entries(found).map(([what, turns]) => {
      const ours = turns.map((turn) => turn.ours.rate);
      const theirs = turns.map((turn) => turn.bare.rate);
      const { timings } = turns.at(-1).ours;
      return [
        what,
        ratio(ours, theirs),
        whole(median(ours)),
        whole(median(theirs)),
        median(turns.map((turn) => turn.ours.cpu)).toFixed(1),
        ['fetch', 'convert', 'apply', 'wait'].map((part) => timings[part] ?? 0).join(' / '),
      ];
    }),
    notes: [
      `${whole(records)} records of 7 fields over HTTP on pages of ${whole(width)}, a run of kind full with its confirmation of absences; ${rounds} round(s). The yardstick is apply_page called with the same pages from one connection, without HTTP, cursors or a daemon, in turns.`,
      `Memory of the daemon at its most: ${whole(memory)} MB.`,
    ],
    raw: found,
  };
});
