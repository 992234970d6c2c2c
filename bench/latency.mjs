// How long a change is on its way out, at 100 a second and at half of what goes through; see README.md.
import { Pool } from 'undici';
import {
  bench,
  fillLinked,
  inTurns,
  mapItems,
  median,
  quick,
  ratio,
  rounds,
  say,
  startDaemon,
  startScript,
  startStandIn,
  until,
  untilActive,
  untilFollowed,
  untilPushed,
  whole,
} from './harness.mjs';
import { load, waits } from './write-load.mjs';

const rows = 10_000;
const seconds = quick ? 1.5 : 20;

await bench(async (server) => {
  const root = await server.connect();
  const app = await startStandIn();
  await mapItems(root, { items: 'items', app: `${app.url}/a1`, direction: 'push' });
  const daemon = await startDaemon(server.url);
  await untilActive(root);
  await fillLinked(root, 'items', rows);
  await root.query('create table public.by_hand (like public.items including all)');
  await root.query('insert into public.by_hand select * from public.items');
  await root.query('create table public.by_library (like public.items including all)');
  await root.query('insert into public.by_library select * from public.items');
  await untilFollowed(root);
  await untilPushed(root);
  const clients = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
  const http = new Pool(app.url, { connections: 16, pipelining: 1 });
  let first = 1_000_000;

  const update = (table) => (client, n) =>
    client.query(`update public.${table} set qty = $1 where id = $2`, [n, 1 + (n % rows)]);
  const throughTideway = async (rate) => {
    await app.ask('reset');
    first += 1_000_000;
    const { committed, rate: written } = await load(clients, { seconds, rate, write: update('items'), first });
    await untilFollowed(root);
    await untilPushed(root);
    const { arrivals } = await app.ask('stats');
    const last = Math.max(...arrivals.map(([, at]) => at));
    const begin = Math.min(...committed.values());
    return { ...waits(committed, arrivals), written, through: arrivals.length / ((last - begin) / 1000) };
  };
  /** The program that changes the row sends it itself, once it is committed. */
  const byHand = async (rate) => {
    await app.ask('reset', { account: 'hand' });
    first += 1_000_000;
    const sending = [];
    let sent = 0;
    const write = update('by_hand');
    const { committed, rate: written } = await load(clients, {
      seconds,
      rate,
      first,
      write: async (client, n) => {
        await write(client, n);
        sent += 1;
        sending.push(
          http
            .request({
              method: 'POST',
              path: '/hand/v1/tables/items/records/write',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ rows: [{ op: 'update', id: `r${1 + (n % rows)}`, values: { qty: n } }] }),
            })
            .then(({ body }) => body.dump()),
        );
      },
    });
    await Promise.all(sending);
    await until('all requests', async () => (await app.ask('stats', { account: 'hand' })).arrivals.length >= sent);
    const { arrivals } = await app.ask('stats', { account: 'hand' });
    return { ...waits(committed, arrivals), written };
  };

  const library = await startScript('transactional-outbox.mjs', [server.url, `${app.url}/library`]);
  const throughLibrary = async (rate) => {
    await app.ask('reset', { account: 'library' });
    first += 1_000_000;
    const { committed, rate: written } = await load(clients, {
      seconds,
      rate,
      first,
      write: (client, n) =>
        client.query(
          `with changed as (update public.by_library set qty = $1 where id = $2 returning id)
           insert into public.peer_outbox (id, aggregate_type, aggregate_id, message_type, payload)
           select gen_random_uuid(), 'item', id::text, 'changed', jsonb_build_object('qty', $1::bigint) from changed`,
          [n, 1 + (n % rows)],
        ),
    });
    // Some never come: it drops a message whose transaction no snapshot shows yet. So all are here when no more come.
    const arrived = async () => (await app.ask('stats', { account: 'library' })).arrivals;
    let count = -1;
    await until(
      'all messages',
      async () => {
        const before = count;
        count = (await arrived()).length;
        return count >= committed.size || count === before;
      },
      { every: 2_000 },
    );
    return { ...waits(committed, await arrived()), written };
  };

  await throughTideway(100);
  await byHand(100);
  await throughLibrary(100);
  const full = await throughTideway();
  const half = Math.max(50, Math.round(full.through / 2));
  say(`${whole(full.through)} changes a second go through; half of it is ${half}`);
  const found = {};
  for (const rate of [100, half])
    found[rate === 100 ? 'low' : 'half'] = await inTurns(
      {
        tideway: () => throughTideway(rate),
        hand: () => byHand(rate),
        // One message after the other, it cannot keep up with more.
        ...(rate === 100 ? { library: () => throughLibrary(rate) } : {}),
      },
      { what: `${rate}/s` },
    );
  await http.close();
  await library.stop();
  await daemon.stop();

  const pick = (list, what) => list.map((one) => one[what]);
  return {
    heads: [
      'commit → answered by the app',
      'p50 x by hand',
      'p99 x by hand',
      'p50 ms (goal 3 at 100/s)',
      'p99 ms (goal 10 at 100/s)',
      'by hand p50 / p99 ms',
      'pg-transactional-outbox p50 / p99 ms',
      'changes measured',
      'changes coalesced into a later one',
    ],
    rows: Object.entries(found).map(([what, { tideway, hand, library: peer }]) => [
      what === 'low' ? '100/s' : `${half}/s, half of what goes through`,
      ratio(pick(tideway, 'p50'), pick(hand, 'p50'), 1),
      ratio(pick(tideway, 'p99'), pick(hand, 'p99'), 1),
      median(pick(tideway, 'p50')).toFixed(1),
      median(pick(tideway, 'p99')).toFixed(1),
      `${median(pick(hand, 'p50')).toFixed(1)} / ${median(pick(hand, 'p99')).toFixed(1)}`,
      peer === undefined
        ? '–'
        : `${median(pick(peer, 'p50')).toFixed(1)} / ${median(pick(peer, 'p99')).toFixed(1)}, ${whole(median(pick(peer, 'missing')))} of ${whole(100 * seconds)} never`,
      whole(median(pick(tideway, 'count'))),
      whole(median(pick(tideway, 'missing'))),
    ]),
    notes: [
      `Single-row updates of ${whole(rows)} rows by 8 connections, ${rounds} round(s) of ${seconds} s. The clock runs from the moment when the client has its commit until the app has handed its answer over.`,
      'By hand: the program that changed the row sends it itself after its commit, and loses it when it dies in between.',
      'pg-transactional-outbox 0.5.7: the change writes a message as well; the library reads it from the log, sends it alone and in order, and notes that it was sent. It compares nothing and merges nothing.',
      `As fast as 8 connections write (${whole(full.written)}/s), ${whole(full.through)} changes a second went through.`,
    ],
    raw: { full, found },
  };
});
