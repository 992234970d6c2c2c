// From the outbox to an app that takes everything, and how many requests many changes of few rows cost; see README.md.
import { Pool } from 'undici';
import {
  bench,
  inTurns,
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

const rows = quick ? 5_000 : 100_000;
const changes = rows * 10;
const batch = 500;

await bench(async (server) => {
  const root = await server.connect();
  const app = await startStandIn();
  await mapItems(root, { items: 'items', app: `${app.url}/a1`, direction: 'push' });
  await root.query(`create procedure public.churn(changes integer, size integer, keys integer) language plpgsql as $$
    begin
      for n in 1..changes / size loop
        update public.items set qty = qty + 1 where id in (select 1 + (random() * (keys - 1))::int from generate_series(1, size));
        commit;
      end loop;
    end $$`);
  const daemon = await startDaemon(server.url);
  await untilActive(root);

  let repeated = 0;
  const stats = () => app.ask('stats');
  /** The rows wait in the outbox; from here on the way to the sink is measured, answers stored. */
  const drained = async (write) => {
    await root.query(`select tideway.pause('items')`);
    await write();
    await untilFollowed(root);
    await root.query('vacuum analyze public.items');
    await app.ask('reset');
    const cpu = daemon.cpu();
    const { seconds } = await timed(async () => {
      await root.query(`select tideway.resume('items')`);
      await until('all rows', async () => (await stats()).rows >= rows);
      await untilPushed(root);
    });
    const { rows: sent, requests } = await stats();
    // More than once after an answer that was lost or came too late; how many is told.
    repeated += sent - rows;
    return { rate: rows / seconds, requests, cpu: ((daemon.cpu() - cpu) / rows) * 1e6 };
  };
  let base = 0;
  const creates = () =>
    drained(async () => {
      await root.query(
        `insert into public.items select $1 + n, 'item ' || n, 0, repeat('x', 40) from generate_series(1, $2::int) n`,
        [base, rows],
      );
      base += rows;
    });
  const updates = () => drained(() => root.query('update public.items set qty = qty + 1 where id <= $1', [rows]));
  const raw = async (op) => {
    const pool = new Pool(app.url, { connections: 4, pipelining: 1 });
    let next = 1;
    const { seconds } = await timed(() =>
      Promise.all(
        Array.from({ length: 4 }, async () => {
          while (next <= rows) {
            const from = next;
            next += batch;
            const values = (n) => ({ ref: n, name: `item ${n}`, qty: 1, note: 'x'.repeat(40) });
            const sent = Array.from({ length: Math.min(batch, rows - from + 1) }, (_, n) =>
              op === 'create' ? { op, values: values(from + n) } : { op, id: `r${from + n}`, values: { qty: 1 } },
            );
            const { body } = await pool.request({
              method: 'POST',
              path: '/raw/v1/tables/items/records/write',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ rows: sent }),
            });
            await body.json();
          }
        }),
      ),
    );
    await pool.close();
    return { rate: rows / seconds };
  };
  const pushed = await inTurns({
    creates,
    'raw creates': () => raw('create'),
    updates,
    'raw updates': () => raw('update'),
  });

  const meanwhile = async () => {
    await app.ask('reset');
    await root.query('call public.churn($1, 100, $2)', [changes, rows]);
    await untilFollowed(root);
    await untilPushed(root);
    return (await stats()).requests;
  };
  const afterwards = async () => {
    await root.query(`select tideway.pause('items')`);
    await app.ask('reset');
    await root.query('call public.churn($1, 100, $2)', [changes, rows]);
    await untilFollowed(root);
    await root.query(`select tideway.resume('items')`);
    await until('requests', async () => (await stats()).requests > 0);
    await untilPushed(root);
    return (await stats()).requests;
  };
  const calls = await inTurns({ meanwhile, afterwards }, { what: 'many changes of few rows' });
  const memory = daemon.memory();
  await daemon.stop();

  const rates = (side) => pushed[side].map(({ rate }) => rate);
  const line = (side) => [
    `outbox → sink, ${side}`,
    ratio(rates(side), rates(`raw ${side}`)),
    whole(median(rates(side))),
    whole(median(rates(`raw ${side}`))),
    whole(median(pushed[side].map(({ requests }) => requests))),
    median(pushed[side].map(({ cpu }) => cpu)).toFixed(1),
  ];
  const requests = (side) => [
    `${whole(changes)} changes of ${whole(rows)} rows, pushed ${side}`,
    ratio(
      calls[side],
      calls[side].map(() => changes / batch),
    ),
    '',
    '',
    whole(median(calls[side])),
    '',
  ];
  return {
    heads: [
      `${batch}-row requests`,
      'x raw undici; requests x one change after another',
      'rows/s (goal 50,000)',
      'raw rows/s',
      'requests',
      'daemon us of CPU per row',
    ],
    rows: [line('creates'), line('updates'), requests('meanwhile'), requests('afterwards')],
    notes: [
      `${whole(rows)} rows, ${rounds} round(s). Tideway reads the rows, writes what it sends to their links, sends, and stores the answers; the yardstick sends the same rows over 4 connections and forgets them.`,
      `Goal for 1,000,000 changes of 100,000 rows: 220 requests. Sent one change after another in full requests they would be ${whole(changes / batch)}.`,
      `Rows sent more than once: ${repeated}.`,
      `Memory of the daemon at its most: ${whole(memory)} MB.`,
    ],
    raw: { pushed, calls },
  };
});
