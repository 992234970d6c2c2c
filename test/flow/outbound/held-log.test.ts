import pg from 'pg';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait-for.ts';
import { doorOf } from '../http/door.ts';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();
const { pool, slot, name, url } = outbound;

const here = async (): Promise<string> =>
  (await pool.query<{ lsn: string }>('select pg_current_wal_lsn() as lsn')).rows[0]?.lsn ?? '';

/** Where the slot stands against a place in the log. */
async function slotAt(lsn: string): Promise<{ acknowledged: boolean; keeps: boolean; bytes: number }> {
  const { rows } = await pool.query<{ acknowledged: boolean; keeps: boolean; bytes: number }>(
    `select confirmed_flush_lsn > $2::pg_lsn as acknowledged, restart_lsn <= $2::pg_lsn as keeps, retained_bytes::float8 as bytes
       from tideway.replication_status where slot = $1`,
    [slot, lsn],
  );
  return rows[0] ?? { acknowledged: false, keeps: false, bytes: 0 };
}

const complaints = async (): Promise<unknown[]> =>
  (await pool.query<{ what: string }>(`select what from tideway.health where "where" like 'slot %'`)).rows;

test('transactions that stay open, or prepared, over a restart hold back the log and nobody else, and arrive as they end', async () => {
  const stage = await outbound.stage();
  const first = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1), (2, 'saw', 1)`);
  const both = [1, 2].map((id) => [id, id === 1 ? 'hammer' : 'saw', 1] as const);
  await stage.shows(both);
  await outbound.settled();

  const person = new pg.Client({ connectionString: url });
  await person.connect();
  try {
    await person.query('begin; update items set qty = 2 where id = 2');
    await pool.query(`begin; insert into items values (3, 'plane', 3); prepare transaction '${name}_kept'`);
    await pool.query(`begin; insert into items values (4, 'vice', 4); prepare transaction '${name}_undone'`);
    const since = await here();
    await pool.query(`update items set qty = 5 where id = 1`);
    await stage.shows([[1, 'hammer', 5], both[1] ?? [2, 'saw', 1]]);
    await first.stop();
    await pool.query(`insert into items values (5, 'drill', 5)`);
    const second = await outbound.daemon();
    await stage.shows([
      [1, 'hammer', 5],
      [2, 'saw', 1],
      [5, 'drill', 5],
    ]);
    await outbound.settled();

    // What is done is acknowledged; what may still commit is kept by the server, which can be seen and is no alarm.
    await waitFor(async () => expect(await slotAt(since)).toMatchObject({ acknowledged: true, keeps: true }));
    const metrics = await (await fetch(`${doorOf(second)}/metrics`)).text();
    const shown = Number(/^tideway_wal_retained_bytes\{slot="[^"]*"\} (\S+)$/m.exec(metrics)?.[1]);
    expect(shown).toBeGreaterThan(0);
    expect((await slotAt(since)).bytes).toBeGreaterThanOrEqual(shown);
    expect(await complaints()).toEqual([]);

    await pool.query(`commit prepared '${name}_kept'`);
    await pool.query(`rollback prepared '${name}_undone'`);
    await person.query('commit');
    await stage.shows([
      [1, 'hammer', 5],
      [2, 'saw', 2],
      [3, 'plane', 3],
      [5, 'drill', 5],
    ]);
    await outbound.settled();
    expect(stage.effects().filter(({ op }) => op === 'create')).toHaveLength(4);
  } finally {
    await person.end();
    for (const left of (
      await pool.query<{ gid: string }>(`select gid from pg_prepared_xacts where database = $1`, [name])
    ).rows)
      await pool.query(`rollback prepared '${left.gid}'`);
  }
});

test('messages that anybody writes into the log suppress no change, and tables of others that are busy hold nothing back', async () => {
  const stage = await outbound.stage();
  const daemon = await outbound.daemon();
  await pool.query(`insert into items values (1, 'hammer', 1)`);
  await stage.shows([[1, 'hammer', 1]]);
  await outbound.settled();

  const role = `forger_${name}`;
  const forger = new pg.Client({ connectionString: url });
  await forger.connect();
  await pool.query(`create role ${role}; grant select, update on items to ${role}`);
  try {
    await forger.query(`set role ${role}`);
    const say = (prefix: string, content: string, within = false) =>
      forger.query('select pg_logical_emit_message($1, $2, $3)', [within, prefix, content]);
    const contents = ['', 'items', `${String(daemon.pid)} 1e308`, `${String(daemon.pid)} x`, 'x'.repeat(100_000)];
    for (const prefix of ['tideway', 'tideway.echo', 'tideway.heartbeat'])
      for (const content of contents) await say(prefix, content);
    await forger.query('begin');
    await say('tideway', 'items', true);
    await forger.query('update items set qty = 2');
    await say('tideway', 'items', true);
    await say('tideway.heartbeat', `${String(daemon.pid)} 0`, true);
    await forger.query('commit');
  } finally {
    await forger.end();
    await pool.query(`drop owned by ${role}; drop role ${role}`);
  }
  await stage.shows([[1, 'hammer', 2]]);
  await outbound.settled();

  const before = await here();
  await pool.query(`create table busy (id integer primary key, filling text);
                    alter table busy alter filling set storage external`);
  for (let n = 1; n <= 20; n += 1) await pool.query(`insert into busy values ($1, repeat('x', 1000000))`, [n]);
  const after = await here();
  const { rows } = await pool.query<{ bytes: number }>(`select pg_wal_lsn_diff($1, $2)::float8 as bytes`, [
    after,
    before,
  ]);
  expect(rows[0]?.bytes).toBeGreaterThan(20_000_000);
  await waitFor(async () => expect(await slotAt(after)).toMatchObject({ acknowledged: true }), { within: 30_000 });
  expect(stage.effects().map(({ op }) => op)).toEqual(['create', 'update']);
  expect(daemon.log()).not.toContain('follow.log.interrupted');
});
