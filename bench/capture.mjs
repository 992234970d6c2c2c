// From the log to the committed outbox, against readers that keep nothing, on the identical log; see README.md.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ask,
  bench,
  inTurns,
  mapItems,
  median,
  quick,
  ratio,
  say,
  startDaemon,
  startStandIn,
  untilActive,
  untilFollowed,
  untilRow,
  whole,
} from './harness.mjs';

const shapes = quick
  ? [
      { shape: '1-row', transactions: 1_000, size: 1 },
      { shape: '100-row', transactions: 50, size: 100 },
      { shape: 'one transaction', transactions: 1, size: 10_000 },
    ]
  : [
      { shape: '1-row', transactions: 100_000, size: 1 },
      { shape: '100-row', transactions: 10_000, size: 100 },
      { shape: 'one transaction', transactions: 1, size: 1_000_000 },
    ];
/** Wide rows take a fifth of the number, for the disk's sake. Below 2 kB they stay in the row and are not compressed. */
const widths = [
  { width: 'narrow', note: 1, part: 1 },
  { width: '2 kB', note: 57, part: quick ? 1 : 0.2 },
];
const reader = fileURLToPath(new URL('capture-reader.mjs', import.meta.url));

await bench(async (server) => {
  const root = await server.connect();
  const app = await startStandIn();
  await root.query(`set synchronous_commit = off`);
  await mapItems(root, { items: 'items', app: `${app.url}/a1`, direction: 'push' });
  let daemon = await startDaemon(server.url);
  await untilActive(root);
  // Marks are kept, nothing is sent: what is measured ends at the committed outbox.
  await root.query(`select tideway.pause('items')`);
  await untilFollowed(root);
  await daemon.stop();
  await root.query(`create procedure public.write_items(transactions integer, size integer, pieces integer) language plpgsql as $$
    declare
      base bigint := coalesce((select max(id) from public.items), 0);
    begin
      for t in 0..transactions - 1 loop
        insert into public.items select base + t * size::bigint + g, 'item ' || g, t, repeat(md5(g::text), pieces) from generate_series(1, size) g;
        commit;
      end loop;
    end $$`);

  const rows = [];
  const raw = {};
  for (const { width, note, part } of widths) {
    for (const { shape, transactions, size } of shapes) {
      if (quick && width !== 'narrow' && shape !== '100-row') continue;
      const title = `${shape}, ${width}`;
      const many = transactions === 1 ? 1 : Math.ceil(transactions * part);
      const each = transactions === 1 ? Math.ceil(size * part) : size;
      const changes = many * each;
      await root.query(`truncate public.items`);
      await root.query(`truncate tideway_private.outbox`);
      // What was written so far is none of the measurement's business.
      // A slot begins to decode at the last but one place where it could: without a second step, all copies read the log of the shape before.
      for (let step = 1; step <= 2; step += 1) {
        await root.query('checkpoint');
        await root.query(`select pg_replication_slot_advance('tideway', pg_current_wal_insert_lsn())`);
      }
      const {
        rows: [{ behind }],
      } = await root.query(
        `select (pg_current_wal_insert_lsn() - restart_lsn)::int as behind from pg_replication_slots where slot_name = 'tideway'`,
      );
      if (behind > 1_000_000)
        throw new Error(`${title}: the slot decodes ${behind} bytes that are none of the measurement's business`);
      await root.query(
        `update tideway_private.positions set lsn = (select confirmed_flush_lsn from pg_replication_slots where slot_name = 'tideway') where slot = 'tideway'`,
      );
      await root.query('delete from tideway_private.requests');
      await root.query(`select pg_copy_logical_replication_slot('tideway', 'bench_origin')`);
      await root.query(`call public.write_items(${many}, ${each}, ${note})`);
      await root.query('set synchronous_commit = on');
      await root.query(`select pg_logical_emit_message(true, 'bench', 'end')`);
      await root.query('set synchronous_commit = off');
      const {
        rows: [{ start, end }],
      } = await root.query(
        `select pg_current_wal_flush_lsn() as end, (select confirmed_flush_lsn from pg_replication_slots where slot_name = 'bench_origin') as start`,
      );
      await root.query('checkpoint');

      const fresh = async (slot) => {
        await root.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1`, [
          slot,
        ]);
        await root.query(`select pg_copy_logical_replication_slot('bench_origin', $1)`, [slot]);
      };
      const over = (slot) =>
        untilRow(
          root,
          `slot ${slot} to be free`,
          `select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = $1 and active
            union all select true from pg_replication_slots where slot_name = $1 and not active`,
          [slot],
        ).then(() =>
          untilRow(
            root,
            `slot ${slot} to be free`,
            `select from pg_replication_slots where slot_name = $1 and not active`,
            [slot],
          ),
        );
      const byReader = (kind) => async () => {
        await fresh('bench_copy');
        const folder = mkdtempSync(join(tmpdir(), 'tideway-reader-'));
        try {
          const told = JSON.parse(
            await ask(process.execPath, [reader, kind, server.url, 'bench_copy', String(changes), folder]),
          );
          await over('bench_copy');
          return { rate: changes / told.seconds, cpu: (told.cpu / changes) * 1e6, memory: told.memory };
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      };
      const byRecvlogical = async () => {
        await fresh('bench_copy');
        const from = performance.now();
        await recvlogical(server.url, end);
        const seconds = (performance.now() - from) / 1000;
        await over('bench_copy');
        return { rate: changes / seconds };
      };
      const byTideway = async () => {
        await fresh('tideway');
        await root.query(`truncate tideway_private.outbox`);
        await root.query(`update tideway_private.positions set lsn = $1 where slot = 'tideway'`, [start]);
        daemon = await startDaemon(server.url);
        const done = await untilRow(
          root,
          'the follower',
          `select from tideway_private.positions where slot = 'tideway' and lsn >= $1::pg_lsn`,
          [end],
        );
        const seconds = (done - daemon.followed) / 1000;
        const [cpu, memory] = [daemon.cpu() - daemon.cpuBefore, daemon.memory()];
        await daemon.stop();
        const {
          rows: [{ marks }],
        } = await root.query('select count(*)::int as marks from tideway_private.outbox');
        if (marks !== changes) throw new Error(`${title}: ${marks} marks, not ${changes}`);
        return { rate: changes / seconds, cpu: (cpu / changes) * 1e6, memory };
      };
      const found = await inTurns(
        {
          recvlogical: byRecvlogical,
          tideway: byTideway,
          plr: byReader('plr'),
          postgres: byReader('postgres'),
          own: byReader('own'),
        },
        { what: title },
      );
      await root.query(
        `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name like 'bench\\_%' and not active`,
      );
      raw[title] = found;
      const rates = (side) => found[side].map(({ rate }) => rate);
      const middle = (side, what) => median(found[side].map((one) => one[what]));
      rows.push([
        title,
        ratio(rates('tideway'), rates('recvlogical')),
        ratio(rates('tideway'), rates('plr')),
        ratio(rates('tideway'), rates('postgres')),
        ratio(rates('own'), rates('recvlogical')),
        ['tideway', 'own', 'recvlogical', 'plr', 'postgres']
          .map((side) => whole(median(rates(side)) / 1000))
          .join(' / '),
        ['tideway', 'own', 'plr', 'postgres'].map((side) => middle(side, 'cpu').toFixed(1)).join(' / '),
        ['tideway', 'own', 'plr', 'postgres']
          .map((side) => whole(Math.max(...found[side].map(({ memory }) => memory))))
          .join(' / '),
      ]);
      say(`${title}: ${whole(changes)} changes`);
    }
  }
  return {
    heads: [
      'transactions, rows',
      'log → committed outbox x pg_recvlogical (goal 0.75; 0.8 for 1-row)',
      'x pg-logical-replication (goal 1.6)',
      'x postgres subscribe',
      'our reader alone x pg_recvlogical',
      'thousand changes/s: Tideway / reader / pg_recvlogical / plr / postgres',
      'CPU s per million: daemon / reader / plr / postgres',
      'peak MB: daemon (goal 165) / reader / plr / postgres',
    ],
    rows,
    notes: [
      `${shapes.map(({ shape, transactions, size }) => `${shape}: ${whole(transactions)} x ${whole(size)}`).join('; ')}; wide rows ${widths[1].part} of that. All read copies of one slot, so all decode the identical log of inserts.`,
      'Tideway commits a mark for each row; the others throw everything away. Its clock starts when it follows, theirs when streaming begins, that of pg_recvlogical with its process. CPU from the same moment on.',
      'pg-logical-replication with flowControl and no acknowledgement of what was not handled. postgres subscribe from a copy that was changed only to read a slot that is there.',
    ],
    raw,
  };
});

async function recvlogical(url, end) {
  const { hostname, port, username, password, pathname } = new URL(url);
  const where = ['-h', hostname, '-p', port, '-U', username, '-d', pathname.slice(1), '-S', 'bench_copy'];
  const options = ['-o', 'proto_version=1', '-o', 'publication_names=tideway', '-o', 'messages=true'];
  const path = `${process.env.PATH}:${[18, 17, 16, 15].map((version) => `/usr/lib/postgresql/${version}/bin`).join(':')}`;
  await ask('pg_recvlogical', [...where, '--start', '--no-loop', '-f', '/dev/null', '-E', end, ...options], {
    env: { PATH: path, PGPASSWORD: decodeURIComponent(password) },
  });
}
