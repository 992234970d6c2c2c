import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const linked = async (options: Record<string, string> = {}, direction: 'both' | 'pull' = 'both') => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text', options, direction });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  return map;
};

test('a row whose record is gone and kept here is not pushed by a later edit, but by a replay', async () => {
  const map = await linked({ on_remote_delete: 'ignore' });
  await map.page([{ id: 'r1', deleted: true }]);
  expect(await map.rows()).toHaveLength(1);
  expect((await map.links())[0]).toMatchObject({ remote_gone: true, local_gone: false });
  await engine.owner.query(`update ${map.table} set name = 'two'`);
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
  await engine.owner.query(`select 1`);
  await engine.pool.query(`select tideway.replay($1, '1')`, [map.name]);
  await map.takeRequests();
  expect(
    (await map.push((item) => ({ result: 'written', remote_id: 'r2', shown: item.payload }))).map((item) => item.op),
  ).toEqual(['create']);
  expect(await map.links()).toEqual([
    expect.objectContaining({ remote_id: 'r1', local_gone: true, remote_gone: true }),
    expect.objectContaining({ remote_id: 'r2', local_key: '1', local_gone: false, remote_gone: false }),
  ]);
});

test('a key that is inserted again after both sides were gone is a new life', async () => {
  const map = await linked();
  await map.page([{ id: 'r1', deleted: true }]);
  expect(await map.rows()).toEqual([]);
  await map.mark(['1'], { op: 2 });
  expect(await map.push()).toEqual([]);
  await engine.owner.query(`insert into ${map.table} values (1, 'again')`);
  await map.mark(['1']);
  expect(
    (await map.push((item) => ({ result: 'written', remote_id: 'r2', shown: item.payload }))).map((item) => item.op),
  ).toEqual(['create']);
});

test.each(['answered', 'found'] as const)(
  'in an app whose ids are keys a row that is inserted again has its record under the old id (%s)',
  async (how) => {
    const map = await linked();
    await engine.owner.query(`delete from ${map.table}`);
    await map.mark(['1'], { op: 2 });
    expect((await map.push(() => ({ result: 'written' }))).map((item) => item.op)).toEqual(['delete']);
    await engine.owner.query(`insert into ${map.table} values (1, 'again')`);
    await map.mark(['1']);
    if (how === 'answered') await map.push((item) => ({ result: 'written', remote_id: 'r1', shown: item.payload }));
    else {
      await map.push(() => ({ result: 'uncertain' }));
      await engine.pool.query(
        `update tideway_private.waiting set due_at = now(); update tideway_private.links set sent_until = now()`,
      );
      await map.mark(['1'], { op: 5 });
      expect(
        (await map.push((item) => ({ result: 'found', remote_id: 'r1', shown: item.payload }))).map((item) => item.op),
      ).toEqual(['lookup']);
    }
    expect(await map.links()).toEqual([
      expect.objectContaining({ remote_id: null, local_key: '1', local_gone: true, remote_gone: true }),
      expect.objectContaining({ remote_id: 'r1', local_key: '1', local_gone: false, remote_gone: false, sent: null }),
    ]);
    await map.page([{ id: 'r1', fields: { Id: 1, Name: 'theirs' } }]);
    expect(await map.rows()).toEqual([{ id: 1, name: 'theirs' }]);
    await map.mark(['1'], { op: 5 });
    expect(await map.push()).toEqual([]);
    expect(await map.errors()).toEqual([]);
  },
);

test('a record under an old id is no answer to the create of a row that is inserted again', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await map.mark(['1'], { op: 2 });
  await map.push(() => ({ result: 'written' }));
  await engine.owner.query(`insert into ${map.table} values (1, 'again')`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'uncertain' }));
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  expect((await map.rereads()).map(({ remote_id }) => remote_id)).toEqual(['r1']);
  await engine.pool.query(
    `update tideway_private.waiting set due_at = now(); update tideway_private.links set sent_until = now()`,
  );
  await map.mark(['1'], { op: 5 });
  await map.push((item) => ({ result: 'found', remote_id: 'r2', shown: item.payload }));
  expect((await map.links()).filter((link) => !link.local_gone)).toEqual([
    expect.objectContaining({ remote_id: 'r2', local_key: '1' }),
  ]);
  await map.page([{ id: 'r1', deleted: true }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'again' }]);
  await map.mark(['1'], { op: 5 });
  expect(await map.push()).toEqual([]);
  expect(await map.errors()).toEqual([]);
});

test.each(['one', 'two'])(
  'a row that is deleted and inserted again while its record is gone gets a record with all its values (%s)',
  async (name) => {
    const map = await linked({ on_remote_delete: 'ignore' });
    await map.page([{ id: 'r1', deleted: true }]);
    await engine.owner.query(`delete from ${map.table}`);
    await engine.owner.query(`insert into ${map.table} values (1, $1)`, [name]);
    await map.mark(['1'], { op: 3 });
    expect((await map.push()).map(({ op, payload }) => [op, payload])).toEqual([['create', { Id: 1, Name: name }]]);
  },
);

test('a late read of a record that is gone for both sides does not bring it back under its old link', async () => {
  const map = await linked();
  const asked = await engine.ask();
  await map.page([{ id: 'r1', deleted: true }]);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one' } }], { asked });
  expect(await map.rows()).toEqual([]);
});

test('a record that reappears under its own id after both sides were gone is read as a new row', async () => {
  const map = await linked();
  await map.page([{ id: 'r1', deleted: true }]);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'back' } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'back' }]);
  expect((await map.links()).filter((link) => !link.local_gone && !link.remote_gone)).toEqual([
    expect.objectContaining({ remote_id: 'r1', local_key: '1' }),
  ]);
});

test('a record made again under another id takes over the row whose record is gone', async () => {
  const map = await linked({ on_remote_delete: 'ignore' });
  await map.page([{ id: 'r1', deleted: true }]);
  await map.page([{ id: 'r9', fields: { Id: 1, Name: 'one' } }]);
  expect(await map.links()).toEqual([expect.objectContaining({ local_key: '1', remote_id: 'r9', remote_gone: false })]);
  expect(await map.errors()).toEqual([]);
});

test('an unknown id for a linked key has the old id looked up before it counts as a duplicate for good', async () => {
  const map = await linked();
  await map.page([{ id: 'r9', fields: { Id: 1, Name: 'other' } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'one' }]);
  expect((await map.rereads()).map((reread) => reread.remote_id)).toEqual(['r1', 'r9']);
  expect(await map.errors()).toEqual([
    expect.objectContaining({ remote_id: 'r9', code: 'DUPLICATE_REMOTE', class: 'CONFLICT' }),
  ]);
});

test('a duplicate becomes the record of the row once the old one is found gone, whichever is read first', async () => {
  for (const order of [
    ['r1', 'r9'],
    ['r9', 'r1'],
  ]) {
    const map = await linked({ on_remote_delete: 'ignore' });
    await map.page([{ id: 'r9', fields: { Id: 1, Name: 'one' } }]);
    const records = { r1: { id: 'r1', deleted: true }, r9: { id: 'r9', fields: { Id: 1, Name: 'one' } } };
    for (const id of order) await map.page([records[id as 'r1']]);
    await map.page([records.r9]);
    expect(await map.links()).toEqual([
      expect.objectContaining({ local_key: '1', remote_id: 'r9', remote_gone: false }),
    ]);
    expect(await map.errors()).toEqual([]);
  }
});

test('a row edited here outlives the deletion of its record, and the conflict is recorded', async () => {
  const map = await linked();
  await engine.owner.query(`update ${map.table} set name = 'mine'`);
  await map.page([{ id: 'r1', deleted: true }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'mine' }]);
  expect(await map.conflicts()).toEqual([
    expect.objectContaining({ kind: 'delete_origin_differs', resolution: 'local' }),
  ]);
  expect((await map.links())[0]).toMatchObject({ remote_gone: true, local_gone: false });
});

test('a row that comes back while its deletion had no answer is made again once the record is found gone, and not before', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await map.mark(['1'], { op: 2 });
  const lost = { result: 'uncertain', class: 'NETWORK_ERROR', code: 'CONNECTION_LOST', message: 'lost' } as const;
  expect((await map.push(() => lost)).map(({ op }) => op)).toEqual(['delete']);
  await engine.owner.query(`insert into ${map.table} values (1, 'back')`);
  await map.mark(['1'], { op: 1 });
  await map.dueNow();
  expect(await map.push()).toEqual([]);
  expect(await map.rereads()).toMatchObject([{ remote_id: 'r1', reason: 'conflict' }]);
  await map.lifetimesOver();
  await map.deleteRecords(['r1']);
  expect(await map.rows()).toEqual([{ id: 1, name: 'back' }]);
  await map.dueNow();
  expect((await map.push()).map(({ op, payload }) => [op, payload])).toEqual([['create', { Id: 1, Name: 'back' }]]);
  expect(await map.conflicts()).toEqual([]);
});

test('a row that comes back while its deletion had no answer is updated where the record stands', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await map.mark(['1'], { op: 2 });
  const lost = { result: 'uncertain', class: 'NETWORK_ERROR', code: 'CONNECTION_LOST', message: 'lost' } as const;
  await map.push(() => lost);
  await engine.owner.query(`insert into ${map.table} values (1, 'back')`);
  await map.mark(['1'], { op: 1 });
  await map.dueNow();
  expect(await map.push()).toEqual([]);
  await map.lifetimesOver();
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  await map.dueNow();
  expect((await map.push()).map(({ op, payload }) => [op, payload])).toEqual([['update', { Name: 'back' }]]);
});

test('a record edited in the app outlives the deletion of its row, and the conflict is recorded', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'theirs' } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'theirs' }]);
  expect(await map.conflicts()).toEqual([expect.objectContaining({ kind: 'update_missing', resolution: 'remote' })]);
  await map.mark(['1'], { op: 3 });
  expect(await map.push()).toEqual([]);
  expect((await map.links())[0]).toMatchObject({ remote_gone: false, local_gone: false });
});

test('a record edited in the app after its row was deleted is not deleted by a claim that comes later', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await map.mark(['1'], { op: 2 });
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  expect(item).toMatchObject({ op: 'delete', remote_id: 'r1' });
  await map.complete(batch, [{ link_id: item?.link_id ?? '', result: 'conflict' }]);
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'theirs' } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'theirs' }]);
});

test('an update that finds no record is a deletion found, never a reason to create it again', async () => {
  const map = await linked();
  await engine.owner.query(`update ${map.table} set name = 'two'`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'not_found' }));
  expect(await map.rereads()).toEqual([{ remote_id: 'r1', reason: 'gone', compare: true }]);
  expect((await map.links())[0]).toMatchObject({ sent: null });
  await map.mark(['1']);
  expect((await map.push(() => ({ result: 'not_found' }))).map((item) => item.op)).not.toContain('create');
});

test('a retried delete that finds nothing is done', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await map.mark(['1'], { op: 2 });
  await map.push(() => ({ result: 'uncertain' }));
  await map.dueNow();
  expect((await map.push(() => ({ result: 'not_found' }))).map((item) => item.op)).toEqual(['delete']);
  expect((await map.links())[0]).toMatchObject({ local_gone: true, remote_gone: true, sent: null });
  expect(await map.errors()).toEqual([]);
  expect(await map.waiting()).toEqual([]);
});

test('a row that is deleted and inserted again before the claim is an update, not a delete', async () => {
  const map = await linked();
  await engine.owner.query(`delete from ${map.table}`);
  await engine.owner.query(`insert into ${map.table} values (1, 'reborn')`);
  await map.mark(['1'], { op: 3 });
  expect((await map.push()).map(({ op, payload }) => ({ op, payload }))).toEqual([
    { op: 'update', payload: { Name: 'reborn' } },
  ]);
});
