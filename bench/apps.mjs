// 1 to 8 apps, and what the others notice when one is dead and one is slow; see README.md.
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
  until,
  untilActive,
  untilFollowed,
  untilPushed,
  untilRow,
  whole,
} from './harness.mjs';
import { load, waits } from './write-load.mjs';

const numbers = quick ? [1, 4] : [1, 2, 4, 8];
const all = numbers.at(-1);
/** The last two are the dead and the slow one. */
const sound = all - 2;
const rows = quick ? 500 : 20_000;
const seconds = quick ? 1.5 : 20;
const slow = 2_000;

await bench(async (server) => {
  const root = await server.connect();
  const app = await startStandIn();
  const apps = Array.from({ length: all }, (_, n) => n);
  for (const n of apps)
    await mapItems(root, {
      items: `items_${n}`,
      app: `${app.url}/a${n}`,
      direction: 'push',
      options: { retry_base: '100 ms', retry_cap: '1 s', max_attempts: 1_000 },
    });
  const daemon = await startDaemon(server.url);
  await untilActive(root);
  const mappings = {};
  for (const n of apps) {
    await root.query(
      `insert into public.items_${n} select n, 'item ' || n, 0, repeat('x', 40) from generate_series(1, $1::int) n`,
      [rows],
    );
    const { rows: found } = await root.query('select number from tideway.mappings where name = $1', [`items_${n}`]);
    mappings[n] = found[0].number;
  }
  await untilFollowed(root);
  await untilPushed(root);
  await root.query('vacuum analyze');
  const clients = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
  const stats = (n) => app.ask('stats', { account: `a${n}` });
  const reset = () => Promise.all(apps.map((n) => app.ask('reset', { account: `a${n}` })));

  let first = 1_000_000;
  /** All tables of `written` change; how the first `watched` of them fare. */
  const measure = async (written, watched) => {
    await reset();
    const begin = performance.now();
    for (let n = 0; n < written; n += 1) await root.query(`update public.items_${n} set qty = (qty + 1) % 1000000`);
    const seen = apps.slice(0, watched);
    await until('all rows', async () => {
      for (const n of seen) if ((await stats(n)).rows < rows) return false;
      return true;
    });
    const rate = (watched * rows) / ((performance.now() - begin) / 1000);
    await untilPushed(
      root,
      seen.map((n) => mappings[n]),
    );
    await reset();
    first += 1_000_000;
    const { committed } = await load(clients, {
      seconds,
      rate: 100,
      first,
      write: (client, n) =>
        client.query(`update public.items_${n % written} set qty = $1 where id = $2`, [
          n,
          1 + (Math.floor(n / written) % rows),
        ]),
    });
    await untilFollowed(root);
    await untilPushed(
      root,
      seen.map((n) => mappings[n]),
    );
    const arrivals = (await Promise.all(seen.map(stats))).flatMap((one) => one.arrivals);
    const watchedOnly = new Map([...committed].filter(([n]) => n % written < watched));
    return { rate, ...waits(watchedOnly, arrivals) };
  };
  const heal = async () => {
    for (const n of apps) await app.ask('mood', { account: `a${n}` });
    await root.query(`select tideway.resume_connection(name) from tideway.connections where state = 'paused'`);
    await root.query(
      `select tideway.retry_failed_sync(name) from tideway.mappings where exists (select from tideway_private.waiting w where w.mapping = number)`,
    );
    await untilRow(
      root,
      'the apps that were ill to catch up',
      `select where not exists (select from tideway_private.outbox) and not exists (select from tideway_private.in_flight)
          and not exists (select from tideway_private.waiting)`,
    );
  };
  const ill = async () => {
    await app.ask('mood', { account: `a${sound}`, dead: true });
    await app.ask('mood', { account: `a${sound + 1}`, delay: slow });
    try {
      return await measure(all, sound);
    } finally {
      await heal();
    }
  };
  const sides = Object.fromEntries(numbers.map((number) => [`${number} apps`, () => measure(number, number)]));
  const found = await inTurns({ ...sides, well: () => measure(all, sound), ill });
  await daemon.stop();

  const pick = (side, what) => found[side].map((one) => one[what]);
  const line = (title, side, base) => [
    title,
    ratio(pick(side, 'rate'), pick(base, 'rate')),
    ratio(pick(side, 'p50'), pick(base, 'p50')),
    ratio(pick(side, 'p99'), pick(base, 'p99')),
    whole(median(pick(side, 'rate'))),
    `${median(pick(side, 'p50')).toFixed(1)} / ${median(pick(side, 'p99')).toFixed(1)}`,
  ];
  return {
    heads: ['', 'rows/s x', 'p50 x', 'p99 x', 'rows/s of these apps', 'p50 / p99 ms of these apps at 100/s'],
    rows: [
      line(`${sound} apps while another is dead and one is slow, x all well`, 'ill', 'well'),
      ...numbers.map((number) => line(`${number} apps, x 1 app`, `${number} apps`, `${numbers[0]} apps`)),
    ],
    notes: [
      `${whole(rows)} rows an app, one table and one connection each, ${rounds} round(s). All rows of all tables are updated at once; then single rows of all tables at 100/s for ${seconds} s, from commit to answer.`,
      `The dead one closes every connection, the slow one answers after ${slow / 1000} s; both get as many changes as the others, which are all that is measured. Well: the same ${sound} apps with all ${all} well.`,
      'All apps are one process, which answers at once but for the slow one.',
    ],
    raw: found,
  };
});
