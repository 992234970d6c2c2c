import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

type Mapping = Awaited<ReturnType<Engine['aMapping']>>;
type Proof = { since?: string; withdrawn?: string[] };

const prove = async (map: Mapping, batch: string, links: readonly string[], since: string | null, giveUp = false) =>
  (
    await engine.one<{ proof: Proof }>(`select tideway_private.prove_creates($1, $2, $3, $4, $5) as proof`, [
      batch,
      map.epoch,
      links,
      since,
      giveUp,
    ])
  ).proof;

/** The follower has stored everything, as far as the position tells. */
const followed = (): Promise<unknown> =>
  database.pool.query(`update tideway_private.positions set lsn = pg_current_wal_lsn()`);

/** A linked row whose key has changed; a compare has seen the new key, the follower has not. */
async function moved() {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  await engine.owner.query(`insert into ${map.table} values (1, 'one')`);
  await map.mark(['1']);
  await map.push();
  await engine.owner.query(`update ${map.table} set id = 7`);
  await database.pool.query(`select tideway_private.mark_keys($1, array['7'])`, [map.number]);
  const batch = (await map.claim()) ?? '';
  const [create] = await map.prepare(batch);
  return { map, batch, create };
}

test('a row that a compare saw under its new key is not created before the follower has told of the move', async () => {
  const { map, batch, create } = await moved();
  expect(create?.op).toBe('create');
  const links = [create?.link_id ?? ''];
  const { since } = await prove(map, batch, links, null);
  expect(await prove(map, batch, links, since ?? null)).toEqual({ since });
  await map.move([['1', '7']]);
  await followed();
  expect(await prove(map, batch, links, since ?? null)).toEqual({ withdrawn: links });
  await map.dueNow();
  expect(await map.push()).toEqual([expect.objectContaining({ op: 'update', remote_id: 'r1', payload: { Id: 7 } })]);
  expect(await map.links()).toHaveLength(1);
});

test('a row that has not moved is created once the follower has come that far', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  await engine.owner.query(`insert into ${map.table} values (1, 'one')`);
  await map.mark(['1']);
  const batch = (await map.claim()) ?? '';
  const links = (await map.prepare(batch)).map(({ link_id }) => link_id);
  const { since } = await prove(map, batch, links, null);
  await followed();
  expect(await prove(map, batch, links, since ?? null)).toEqual({ withdrawn: [] });
});

test('without a follower a create waits in the table of retries, and nothing of it is in flight', async () => {
  const { map, batch, create } = await moved();
  const links = [create?.link_id ?? ''];
  const { since } = await prove(map, batch, links, null);
  expect(await prove(map, batch, links, since ?? null, true)).toEqual({ withdrawn: links });
  expect(await map.waiting()).toEqual([
    expect.objectContaining({ local_key: '7', reason: 'retry', attempts_started: 0 }),
  ]);
  expect(
    await engine.one(`select count(*)::integer as n from tideway_private.in_flight where mapping = $1`, [map.number]),
  ).toEqual({ n: 0 });
});
