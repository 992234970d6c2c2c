// Whole tables: backfill, sweep with nothing changed, and repair after a lost slot; see README.md.
import { Pool } from 'undici';
import {
  bench,
  connectTo,
  fillLinked,
  inTurns,
  makeDatabase,
  mapItems,
  median,
  quick,
  ratio,
  rounds,
  startDaemon,
  startStandIn,
  timed,
  untilActive,
  untilFollowed,
  untilPushed,
  untilRow,
  whole,
} from './harness.mjs';

const rows = quick ? 10_000 : 1_000_000;
const changed = 100;
const width = 10_000;

await bench(async (server) => {
  const app = await startStandIn();
  const out = await outbound(server, app);
  const swept = await sweeps(app);
  const seconds = (list) => list.map((one) => one.seconds);
  const line = (what, ours, theirs, more) => [
    what,
    ratio(seconds(theirs), seconds(ours)),
    median(seconds(ours)).toFixed(1),
    whole(rows / median(seconds(ours))),
    whole(rows / median(seconds(theirs))),
    more,
  ];
  return {
    heads: ['', 'speed x yardstick', 'seconds', 'rows/s', 'yardstick rows/s', ''],
    rows: [
      line(
        'backfill',
        out.backfills.tideway,
        out.backfills.hand,
        `${whole(out.backfills.tideway.at(-1).requests)} requests`,
      ),
      line(
        'sweep with nothing changed (goal 90,000 rows/s, 0 written)',
        swept.tideway,
        swept.hand,
        `${swept.tideway.map(({ written }) => written).join(', ')} rows written`,
      ),
      line(
        `repair after a lost slot, ${changed} rows changed (goal 10 s at 1 M)`,
        out.repairs.tideway,
        out.repairs.hand,
        `${out.repairs.tideway.map(({ sent }) => sent).join(', ')} rows sent`,
      ),
    ],
    notes: [
      `${whole(rows)} rows, ${rounds} round(s).`,
      'Backfill sends every row of a linked table in full; its yardstick selects pages of 500 rows and posts them with undici over 4 connections, and forgets them.',
      'Sweep reads all records through the daemon and compares both sides; its yardstick fetches the same pages and compares each with its rows by one hand-written statement.',
      'Repair: the slot is dropped while the daemon is down; from following anew until the walk is over and the changed rows are sent. Its yardstick is one statement that compares rows with links.',
    ],
    raw: { ...out, swept },
  };
});

async function outbound(server, app) {
  const root = await server.connect();
  await mapItems(root, { items: 'items', app: `${app.url}/a1`, direction: 'push' });
  let daemon = await startDaemon(server.url);
  await untilActive(root);
  await fillLinked(root, 'items', rows);
  await untilFollowed(root);
  await untilPushed(root);

  const backfill = async () => {
    await app.ask('reset');
    const { seconds } = await timed(async () => {
      const { rows: found } = await root.query(`select tideway.backfill('items') as run`);
      await untilRow(root, 'the backfill', 'select from tideway.sync_runs where id = $1 and completed_at is not null', [
        found[0].run,
      ]);
      await untilPushed(root);
    });
    const { rows: sent, requests } = await app.ask('stats');
    if (sent < rows) throw new Error(`The backfill sent ${sent} rows of ${rows}`);
    return { seconds, requests };
  };
  const byHand = async () => {
    const pool = new Pool(app.url, { connections: 4, pipelining: 1 });
    const reader = await server.connect();
    const open = new Set();
    const { seconds } = await timed(async () => {
      for (let after = 0; after < rows;) {
        const { rows: page } = await reader.query('select * from public.items where id > $1 order by id limit 500', [
          after,
        ]);
        after = Number(page.at(-1).id);
        const sending = pool
          .request({
            method: 'POST',
            path: '/hand/v1/tables/items/records/write',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({
              rows: page.map(({ id, name, qty, note }) => ({
                op: 'update',
                id: `r${id}`,
                values: { ref: id, name, qty, note },
              })),
            }),
          })
          .then(({ body }) => body.json())
          .finally(() => open.delete(sending));
        open.add(sending);
        if (open.size >= 4) await Promise.race(open);
      }
      await Promise.all(open);
    });
    await reader.end();
    await pool.close();
    return { seconds };
  };
  const backfills = await inTurns({ tideway: backfill, hand: byHand }, { what: 'backfill' });

  const repair = async (round) => {
    await untilFollowed(root);
    await untilPushed(root);
    await daemon.stop();
    await app.ask('reset');
    await untilRow(
      root,
      'the slot to be free',
      `select from pg_replication_slots where slot_name = 'tideway' and not active`,
    );
    await root.query(`select pg_drop_replication_slot('tideway')`);
    await root.query(`update public.items set name = 'changed ' || $1 where id % $2 = 0`, [round, rows / changed]);
    daemon = await startDaemon(server.url);
    const done = await untilRow(
      root,
      'the end of the walk',
      `select where not exists (select from tideway_private.requests)
          and not exists (select from tideway_private.outbox) and not exists (select from tideway_private.in_flight)`,
    );
    const { rows: sent } = await app.ask('stats');
    if (sent < changed) throw new Error(`The repair sent ${sent} rows, not ${changed}`);
    return { seconds: (done - daemon.followed) / 1000, sent };
  };
  const compare = async () => {
    const { seconds } = await timed(() =>
      root.query(
        `select count(*) from public.items i join tideway_private.links l on l.local_key = i.id::text
          where l.local_image is distinct from jsonb_build_object('id', i.id, 'name', i.name, 'qty', i.qty, 'note', i.note)`,
      ),
    );
    return { seconds };
  };
  const repairs = await inTurns({ tideway: repair, hand: compare }, { what: 'repair' });
  await daemon.stop();
  await root.end();
  return { backfills, repairs };
}

async function sweeps(app) {
  const url = await makeDatabase('bench_sweep');
  const root = await connectTo(url);
  await mapItems(root, { items: 'items', app: `${app.url}/a2`, direction: 'both' });
  const daemon = await startDaemon(url, { TIDEWAY_SLOT: 'tideway_sweep' });
  await untilActive(root);
  await fillLinked(root, 'items', rows);
  await untilFollowed(root, 'tideway_sweep');
  await untilPushed(root);
  await app.ask('show', { account: 'a2', records: rows, table: 'items', width });
  await root.query('create table public.by_hand (like public.items including all)');
  await root.query('insert into public.by_hand select * from public.items');
  await root.query('vacuum analyze public.by_hand');

  const writes = async () => {
    const { rows: found } = await root.query(
      `select sum(n_tup_ins + n_tup_upd + n_tup_del)::int as n from pg_stat_all_tables where relid in ('public.items'::regclass, 'tideway_private.links'::regclass)`,
    );
    return found[0].n;
  };
  const sweep = async () => {
    const before = await writes();
    const { rows: asked } = await root.query(`select tideway.sweep('items') as run`);
    const { seconds } = await timed(() =>
      untilRow(root, 'the sweep', 'select from tideway.sync_runs where id = $1 and completed_at is not null', [
        asked[0].run,
      ]),
    );
    const {
      rows: [ended],
    } = await root.query('select status, rows_processed::int as rows from tideway.sync_runs where id = $1', [
      asked[0].run,
    ]);
    if (ended.status !== 'completed' || ended.rows < rows)
      throw new Error(`The sweep ended as ${JSON.stringify(ended)}`);
    // The walk over our own rows belongs to it.
    const walk = await timed(() =>
      untilRow(root, 'the walk', `select where not exists (select from tideway_private.requests)`),
    );
    return { seconds: seconds + walk.seconds, written: (await writes()) - before };
  };
  const byHand = async () => {
    const { seconds } = await timed(async () => {
      for (let from = 0; from < rows; from += width) {
        const answer = await fetch(`${app.url}/a2/v1/tables/items/records?cursor=${from}&limit=${width}`);
        await root.query(
          `select count(*) from jsonb_to_recordset($1::jsonb -> 'records') as r (id text, values jsonb)
            cross join lateral jsonb_to_record(r.values) as v (ref bigint, name text, qty integer, note text)
             left join public.by_hand h on h.id = v.ref
            where (v.name, v.qty, v.note) is distinct from (h.name, h.qty, h.note)`,
          [await answer.text()],
        );
      }
    });
    return { seconds };
  };
  // The first one notes versions.
  await sweep();
  await root.query('vacuum analyze tideway_private.links');
  const found = await inTurns({ tideway: sweep, hand: byHand }, { what: 'sweep' });
  await daemon.stop();
  return found;
}
