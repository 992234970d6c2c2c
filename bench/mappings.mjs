// The same changes spread over 1, 20 and 200 mappings; see README.md.
import {
  bench,
  connectTo,
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
  until,
  untilActive,
  untilFollowed,
  untilPushed,
  whole,
} from './harness.mjs';
import { load, waits } from './write-load.mjs';

const numbers = quick ? [1, 20] : [1, 20, 200];
const rows = quick ? 2_000 : 100_000;
const seconds = quick ? 1.5 : 20;

await bench(async () => {
  const app = await startStandIn();
  const places = {};
  for (const number of numbers) places[number] = await prepare(app, number);
  const found = await inTurns(
    Object.fromEntries(numbers.map((number) => [`${number} mappings`, () => measure(app, places[number])])),
  );
  const pick = (number, what) => found[`${number} mappings`].map((one) => one[what]);
  return {
    heads: [
      'mappings',
      'rows/s x 1 mapping',
      'p50 x 1 mapping',
      'p99 x 1 mapping',
      'rows/s',
      'p50 / p99 ms at 100/s',
      'requests',
      'daemon MB',
      'start ms',
    ],
    rows: numbers.map((number) => [
      number,
      ratio(pick(number, 'rate'), pick(1, 'rate')),
      ratio(pick(number, 'p50'), pick(1, 'p50')),
      ratio(pick(number, 'p99'), pick(1, 'p99')),
      whole(median(pick(number, 'rate'))),
      `${median(pick(number, 'p50')).toFixed(1)} / ${median(pick(number, 'p99')).toFixed(1)}`,
      whole(median(pick(number, 'requests'))),
      whole(median(pick(number, 'memory'))),
      whole(median(pick(number, 'start'))),
    ]),
    notes: [
      `${whole(rows)} rows in all, spread evenly over tables of one connection, each number in a database of its own with a daemon of its own, one after the other; ${rounds} round(s). All rows are updated and pushed; then single rows of all tables at 100/s for ${seconds} s, from commit to answer.`,
    ],
    raw: found,
  };
});

async function prepare(app, number) {
  const url = await makeDatabase(`bench_${number}`);
  const root = await connectTo(url);
  const each = rows / number;
  for (let n = 0; n < number; n += 1)
    await mapItems(root, { items: `items_${n}`, connection: 'items', app: `${app.url}/a${number}`, direction: 'push' });
  const place = { number, url, root, each, slot: `tideway_${number}` };
  const daemon = await startDaemon(url, { TIDEWAY_SLOT: place.slot });
  await untilActive(root);
  for (let n = 0; n < number; n += 1)
    await root.query(
      `insert into public.items_${n} select n, 'item ' || n, 0, repeat('x', 40) from generate_series(1, $1::int) n`,
      [each],
    );
  await untilFollowed(root, place.slot);
  await untilPushed(root);
  await daemon.stop();
  await root.query('vacuum analyze');
  return place;
}

async function measure(app, { number, url, root, each, slot }) {
  const account = `a${number}`;
  const begin = performance.now();
  const daemon = await startDaemon(url, { TIDEWAY_SLOT: slot });
  const start = daemon.followed - begin;
  await untilActive(root);
  await untilFollowed(root, slot);
  await app.ask('reset', { account });
  const { seconds: took } = await timed(async () => {
    for (let n = 0; n < number; n += 1) await root.query(`update public.items_${n} set qty = (qty + 1) % 1000000`);
    await until('all rows', async () => (await app.ask('stats', { account })).rows >= rows);
    await untilPushed(root);
  });
  const { requests } = await app.ask('stats', { account });
  await app.ask('reset', { account });
  const clients = await Promise.all(Array.from({ length: 4 }, () => connectTo(url)));
  const { committed } = await load(clients, {
    seconds,
    rate: 100,
    write: (client, n) =>
      client.query(`update public.items_${n % number} set qty = $1 where id = $2`, [
        n,
        1 + (Math.floor(n / number) % each),
      ]),
  });
  await untilFollowed(root, slot);
  await untilPushed(root);
  const { arrivals } = await app.ask('stats', { account });
  const memory = daemon.memory();
  await Promise.all(clients.map((client) => client.end()));
  await daemon.stop();
  await root.query('vacuum tideway_private.links');
  return { rate: rows / took, requests, start, memory, ...waits(committed, arrivals) };
}
