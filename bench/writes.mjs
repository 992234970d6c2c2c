// What the user's own writes cost with Tideway off, with it on, and with a trigger that fills an outbox; see README.md.
import {
  bench,
  fillLinked,
  inTurns,
  mapItems,
  median,
  quantile,
  quick,
  ratio,
  rounds,
  startDaemon,
  startScript,
  startStandIn,
  untilActive,
  untilFollowed,
  untilPushed,
  untilRow,
  whole,
} from './harness.mjs';
import { load } from './write-load.mjs';

const rows = quick ? 2_000 : 100_000;
const seconds = quick ? 1 : 20;
const fixed = 1_000;

await bench(async (server) => {
  const root = await server.connect();
  const app = await startStandIn();
  await mapItems(root, { items: 'items', app: `${app.url}/a1`, direction: 'push' });
  let daemon = await startDaemon(server.url);
  await untilActive(root);
  await fillLinked(root, 'items', rows);
  await untilFollowed(root);
  await untilPushed(root);
  await daemon.stop();
  // What libraries of the transactional outbox have people put into their tables.
  await root.query(`
    create table public.plain (like public.items including all);
    create table public.triggered (like public.items including all);
    create table public.message_outbox (id bigint generated always as identity primary key, made_at timestamptz not null default now(), payload jsonb not null);
    insert into public.plain select * from public.items;
    insert into public.triggered select * from public.items;
    create function public.note_change() returns trigger language plpgsql as $$
      begin
        insert into public.message_outbox (payload) values (to_jsonb(new));
        return null;
      end $$;
    create trigger note_change after insert or update on public.triggered for each row execute function public.note_change()`);
  await root.query('vacuum analyze');
  const clients = await Promise.all(Array.from({ length: 8 }, () => server.connect()));

  const measure = async (table) => {
    const write = (client, n) => client.query(`update public.${table} set qty = $1 where id = $2`, [n, 1 + (n % rows)]);
    const steady = await load(clients.slice(0, 4), { seconds, rate: fixed, write });
    const most = await load(clients, { seconds, write, first: 3_000_000 });
    const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
    return {
      mean: mean(steady.served),
      due: mean(steady.took),
      p99: quantile(steady.served, 0.99),
      reached: steady.rate,
      most: most.rate,
    };
  };
  const off = () => measure('plain');
  const on = async () => {
    daemon = await startDaemon(server.url);
    await untilFollowed(root);
    const found = await measure('items');
    await untilFollowed(root);
    await untilPushed(root);
    await daemon.stop();
    return found;
  };
  const trigger = async () => {
    const sender = await startScript('by-hand.mjs', ['outbox', server.url, `${app.url}/hand`]);
    const found = await measure('triggered');
    await untilRow(root, 'the sender', 'select where not exists (select from public.message_outbox)');
    await sender.stop();
    return found;
  };
  await measure('plain');
  const found = await inTurns({ off, on, trigger });

  const pick = (side, what) => found[side].map((one) => one[what]);
  const line = (title, side) => [
    title,
    ratio(pick(side, 'mean'), pick('off', 'mean')),
    ratio(pick(side, 'most'), pick('off', 'most')),
    median(pick(side, 'mean')).toFixed(2),
    median(pick(side, 'p99')).toFixed(1),
    median(pick(side, 'due')).toFixed(2),
    whole(median(pick(side, 'reached'))),
    whole(median(pick(side, 'most'))),
  ];
  return {
    heads: [
      'single-row updates',
      `mean at ${whole(fixed)}/s x off (goal 1.5)`,
      'maximum x off',
      `mean ms at ${whole(fixed)}/s`,
      'p99 ms',
      'mean ms from when it was due',
      'transactions/s reached of the fixed rate',
      'maximum transactions/s',
    ],
    rows: [line('Tideway off', 'off'), line('Tideway on', 'on'), line('trigger and sender', 'trigger')],
    notes: [
      `${whole(rows)} rows, ${rounds} round(s) of ${seconds} s at a fixed rate by 4 connections, then ${seconds} s as fast as 8 go; wal_level is logical throughout.`,
      'On: the daemon follows and pushes to an app on this machine meanwhile. Trigger: each change is put into a table in the same transaction, and a small program takes batches of 500 out of it and sends them.',
      'Client, server, daemon, sender and app share the machine.',
    ],
    raw: found,
  };
});
