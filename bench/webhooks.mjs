// From a change in the app, told by a webhook, to the committed row, and how many webhooks a second are acknowledged; see README.md.
import {
  bench,
  inTurns,
  mapItems,
  median,
  quantile,
  quick,
  ratio,
  rounds,
  say,
  startDaemon,
  startScript,
  startStandIn,
  until,
  untilActive,
  untilRow,
  whole,
} from './harness.mjs';

const records = quick ? 2_000 : 20_000;
const seconds = quick ? 1.5 : 20;
const burst = quick ? 400 : 20_000;

await bench(async (server) => {
  const root = await server.connect();
  const app = await startStandIn();
  await app.ask('show', { records });
  await mapItems(root, { items: 'items', app: `${app.url}/a1`, direction: 'pull', options: { schedule: '1 h' } });
  await root.query('create table public.by_hand (like public.items including all)');
  await root.query(`select tideway.set_webhook_secret('items', 'env:BENCH_WEBHOOK_SECRET')`);
  const daemon = await startDaemon(server.url);
  await untilActive(root);
  await untilRow(root, 'the first read', 'select from public.items having count(*) = $1', [records]);
  await root.query('insert into public.by_hand select * from public.items');
  const hand = await startScript('by-hand.mjs', ['webhook', server.url, `${app.url}/a1`]);
  const {
    rows: [{ path }],
  } = await root.query(`select tideway.webhook_url('items') as path`);

  let at = 1_000_000;
  const side = (hook, table) => async (rate) => {
    at += 1_000_000;
    const count = rate === undefined ? Math.min(records, burst) : Math.min(records, Math.round(seconds * rate));
    const { edits, seconds: took } = await app.ask('edit', { hook, first: 1, count, rate, at });
    const wrong = edits.filter(([, , , status]) => status >= 300).length;
    if (wrong > 0) throw new Error(`${wrong} of ${count} webhooks were refused`);
    await until('all rows', async () => {
      const { rows } = await root.query(`select count(*)::int as n from public.${table} where qty = $1 + id`, [at]);
      return rows[0].n === count;
    });
    const { rows } = await root.query(
      `select id::int, extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000 as at from public.${table} where qty = $1 + id`,
      [at],
    );
    const changed = new Map(edits.map(([number, when]) => [number, when]));
    const waited = rows.map(({ id, at: when }) => Number(when) - changed.get(id));
    const last = Math.max(...rows.map(({ at: when }) => Number(when)));
    const begin = Math.min(...changed.values());
    return {
      p50: quantile(waited, 0.5),
      p99: quantile(waited, 0.99),
      ack: quantile(
        edits.map(([, , ms]) => ms),
        0.5,
      ),
      acknowledged: count / took,
      through: count / ((last - begin) / 1000),
    };
  };
  const sides = { tideway: side(`${daemon.door}${path}`, 'items'), hand: side(`${hand.url}/hook`, 'by_hand') };

  for (const one of Object.values(sides)) await one(100);
  const full = await inTurns(
    { tideway: () => sides.tideway(), hand: () => sides.hand() },
    { what: 'as fast as it goes' },
  );
  const half = Math.max(20, Math.round(median(full.tideway.map(({ through }) => through)) / 2));
  say(`Half of what goes through is ${half}/s`);
  const found = { 'as fast as it goes': full };
  for (const [what, rate] of [
    ['100/s', 100],
    [`${half}/s, half of what goes through`, half],
  ])
    found[what] = await inTurns(
      { tideway: () => sides.tideway(rate), hand: () => sides.hand(rate) },
      { what: `${rate}/s` },
    );
  await daemon.stop();
  await hand.stop();

  const pick = (list, what) => list.map((one) => one[what]);
  return {
    heads: [
      'changed in the app → committed row',
      'p50 x by hand',
      'p99 x by hand',
      'acknowledged/s x by hand',
      'p50 / p99 ms',
      'by hand p50 / p99 ms',
      'acknowledged/s, rows committed/s',
      'by hand acknowledged/s, rows committed/s',
      'p50 ms of an acknowledgement',
    ],
    rows: Object.entries(found).map(([what, { tideway, hand: theirs }]) => [
      what,
      ratio(pick(tideway, 'p50'), pick(theirs, 'p50'), 1),
      ratio(pick(tideway, 'p99'), pick(theirs, 'p99'), 1),
      ratio(pick(tideway, 'acknowledged'), pick(theirs, 'acknowledged')),
      ...[tideway, theirs].map(
        (list) => `${median(pick(list, 'p50')).toFixed(1)} / ${median(pick(list, 'p99')).toFixed(1)}`,
      ),
      ...[tideway, theirs].map(
        (list) => `${whole(median(pick(list, 'acknowledged')))}, ${whole(median(pick(list, 'through')))}`,
      ),
      `${median(pick(tideway, 'ack')).toFixed(1)}, by hand ${median(pick(theirs, 'ack')).toFixed(1)}`,
    ]),
    notes: [
      `${whole(records)} rows, one webhook per change, 64 connections, ${rounds} round(s). The row's commit is what the server noted (track_commit_timestamp).`,
      'By hand: a small server that reads the named record and upserts its row before it answers; no signature, no memory of deliveries, no links, and lost when it is down.',
    ],
    raw: found,
  };
});
