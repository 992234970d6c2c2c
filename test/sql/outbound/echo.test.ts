import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { anApp, type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

/** One row, in step: 0 on both sides. */
const linked = async (options: { table?: string; direction?: 'both' | 'push' } = {}) => {
  const map = await engine.aMapping({
    table: options.table ?? 'id integer primary key, v integer, w integer',
    direction: options.direction ?? 'both',
  });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }]);
  const edit = async (sql: string) => {
    await engine.owner.query(`update ${map.table} set ${sql}`);
    await map.mark(['1']);
  };
  return { map, edit };
};

test('an echo that is read while its push is in flight does not undo the newer edit of a person', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  expect(item?.payload).toEqual({ V: 1 });
  await edit('v = 0');
  const page = await map.page([{ id: 'r1', fields: { Id: 1, V: 1, W: 0 } }]);
  expect(page).toMatchObject({ updated: 0, conflicts: 0, deferred: 1 });
  expect(await map.row(1)).toMatchObject({ v: 0 });
  await map.complete(batch, [{ link_id: item?.link_id ?? '', result: 'written', shown: { V: 1 } }]);
  expect((await map.push()).map((next) => next.payload)).toEqual([{ V: 0 }]);
  expect(await map.row(1)).toMatchObject({ v: 0 });
  expect(await map.links()).toEqual([
    expect.objectContaining({ local_image: { id: 1, v: 0, w: 0 }, remote_diff: {}, sent: null }),
  ]);
  expect(await map.push()).toEqual([]);
});

test('other fields of a record in flight are merged at once', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  const batch = (await map.claim()) ?? '';
  await map.prepare(batch);
  expect(await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 7 } }])).toMatchObject({ updated: 1, deferred: 1 });
  expect(await map.row(1)).toEqual({ id: 1, v: 1, w: 7 });
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', reason: 'in_flight' })]);
});

test('a row that is set back after a push without an answer is sent again, though it equals its image', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'uncertain' }));
  await edit('v = 0');
  await map.readBack([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }]);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ V: 0 }]);
});

test('an update without an answer is not sent again before the record was read', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'uncertain' }));
  for (const seen of [1, 2]) {
    await map.lifetimesOver();
    await map.dueNow();
    expect(await map.push(), `look ${String(seen)}`).toEqual([]);
    expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', reason: 'found' })]);
    await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }]);
    expect(await map.rereads()).toEqual([]);
    await map.takeRequests();
    await map.dueNow();
    // The one that goes after a read may get lost as well.
    expect((await map.push(() => ({ result: 'uncertain' }))).map((item) => item.payload)).toEqual([{ V: 1 }]);
  }
});

test('what a person wrote in the app after an update without an answer is not overwritten by the next try', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'uncertain' }));
  await map.lifetimesOver();
  await map.dueNow();
  expect(await map.push()).toEqual([]);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 9, W: 0 } }]);
  expect(await map.row(1)).toMatchObject({ v: 9 });
  await map.takeRequests();
  await map.dueNow();
  expect(await map.push()).toEqual([]);
});

test('what was sent of a column that has changed since does not hold its row', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text, other text' });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one', Other: 'x' } }]);
  await engine.owner.query(`update ${map.table} set name = 'two' where id = 1`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'uncertain' }));
  await engine.owner.query(`alter table ${map.table} alter column name type varchar(80)`);
  await engine.pool.query(`select tideway.map($1, $2, $3, $4)`, [
    map.name,
    `account of ${map.name}`,
    `Remote ${map.name}`,
    map.table,
  ]);
  await engine.daemon.query(`update tideway.mappings set state = 'active' where number = $1`, [map.number]);
  await engine.owner.query(`update ${map.table} set other = 'y' where id = 1`);
  await map.mark(['1']);
  await map.readBack([{ id: 'r1', fields: { Id: 1, Name: 'two', Other: 'x' } }]);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ Other: 'y' }]);
  expect((await map.links())[0]).toMatchObject({ sent: null, sent_op: null });
});

test('a row that comes back with its partition while an update of it has no answer goes on', async () => {
  await engine.owner.query(`create table shop.parted (id integer primary key, name text) partition by range (id);
                            create table shop.parted_low partition of shop.parted for values from (0) to (100)`);
  const map = await engine.aMapping({ of: 'shop.parted', table: '' });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  await engine.owner.query(`update shop.parted set name = 'two' where id = 1`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'uncertain' }));
  await engine.owner.query('alter table shop.parted detach partition shop.parted_low');
  await map.mark(['1'], { op: 4 });
  await map.lifetimesOver();
  await map.dueNow();
  await map.push();
  expect((await map.links())[0]).toMatchObject({ dormant: true });
  await engine.owner.query(`alter table shop.parted attach partition shop.parted_low for values from (0) to (100)`);
  await map.mark(['1'], { op: 4 });
  await map.readBack([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ Name: 'two' }]);
});

test('where rows only go out, an update without an answer is sent again at once', async () => {
  const { map, edit } = await linked({ direction: 'push' });
  await engine.owner.query(`insert into ${map.table} values (1, 0, 0)`);
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }]);
  await edit('v = 1');
  await map.push(() => ({ result: 'uncertain' }));
  await map.dueNow();
  expect((await map.push()).map((item) => item.payload)).toEqual([{ V: 1 }]);
});

test('a row that is set back while its owner dies is sent again', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  const batch = (await map.claim()) ?? '';
  await map.prepare(batch);
  await edit('v = 0');
  await map.takeOver('second');
  await expect(map.prepare(batch)).rejects.toMatchObject({ code: 'TWLSE' });
  expect(await map.waiting()).toEqual([
    expect.objectContaining({ local_key: '1', reason: 'retry', attempts_started: 1, attempts_finished: 0 }),
  ]);
  await map.readBack([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }]);
  expect((await map.push()).map((item) => item.payload)).toEqual([{ V: 0 }]);
});

test('nothing is sent again before the longest life of a request without an answer is over', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'uncertain' }));
  const { late } = await engine.one<{ late: boolean }>(
    `select w.due_at >= l.sent_until as late from tideway_private.waiting w join tideway_private.links l using (mapping, local_key) where w.mapping = $1`,
    [map.number],
  );
  expect(late).toBe(true);
  expect(await map.claim()).toBe(null);
});

test('a page that was asked for before the answer settles nothing of that push', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  const asked = await engine.ask();
  await map.push(() => ({ result: 'written' }));
  expect(await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }], { asked })).toMatchObject({
    updated: 0,
    deferred: 1,
  });
  expect(await map.row(1)).toMatchObject({ v: 1 });
  expect((await map.links())[0]?.sent).toEqual({ v: 1 });
});

test('after an answer that shows nothing, a later read of our value settles the write', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'written' }));
  expect((await map.links())[0]?.sent).toEqual({ v: 1 });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 1, W: 0 } }]);
  expect(await map.links()).toEqual([
    expect.objectContaining({
      local_image: { id: 1, v: 1, w: 0 },
      remote_diff: {},
      sent: null,
      sent_local: null,
      sent_op: null,
    }),
  ]);
  expect(await map.rereads()).toEqual([]);
});

test('an app that shows writes later is believed only by a read asked for after that delay', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push((item) => ({ result: 'written', shown: item.payload }), { visibleAfter: '1 hour' });
  expect(await map.page([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }])).toMatchObject({ updated: 0, deferred: 1 });
  expect(await map.row(1)).toMatchObject({ v: 1 });
  await map.lifetimesOver();
  await map.page([{ id: 'r1', fields: { Id: 1, V: 1, W: 0 } }]);
  expect((await map.links())[0]?.sent).toBe(null);
});

test('a write that the app did not keep is sent once more, and the second time raised', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  const old = [{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }];
  await map.push(() => ({ result: 'written' }), { visibleAfter: '1 hour' });
  await map.lifetimesOver();
  await map.page(old);
  expect(await map.row(1)).toMatchObject({ v: 1 });
  expect(await map.errors()).toEqual([]);
  await map.takeRequests();
  expect(
    (await map.push(() => ({ result: 'written' }), { visibleAfter: '1 hour' })).map((item) => item.payload),
  ).toEqual([{ V: 1 }]);
  await map.lifetimesOver();
  await map.page(old);
  expect(await map.errors()).toEqual([
    expect.objectContaining({ code: 'WRITE_NOT_KEPT', class: 'CONFLICT', column: 'v', severity: 'error' }),
  ]);
  await map.takeRequests();
  expect(await map.push()).toEqual([]);
  expect(await map.row(1)).toMatchObject({ v: 1 });
  await edit('v = 2');
  expect((await map.push()).map((item) => item.payload)).toEqual([{ V: 2 }]);
});

test('an older value of ours that turns up after a newer one is no change of the app', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'uncertain' }));
  await edit('v = 2');
  await map.readBack([{ id: 'r1', fields: { Id: 1, V: 0, W: 0 } }]);
  expect((await map.push(() => ({ result: 'written' }))).map((item) => item.payload)).toEqual([{ V: 2 }]);
  await map.lifetimesOver();
  await map.page([{ id: 'r1', fields: { Id: 1, V: 1, W: 0 } }]);
  expect(await map.row(1)).toMatchObject({ v: 2 });
  await map.takeRequests();
  expect((await map.push()).map((item) => item.payload)).toEqual([{ V: 2 }]);
  expect(await map.errors()).toEqual([]);
});

test('what a person changed in the app after our write is taken over', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  await map.push(() => ({ result: 'written' }));
  await map.page([{ id: 'r1', fields: { Id: 1, V: 5, W: 0 } }]);
  expect(await map.row(1)).toMatchObject({ v: 5 });
  expect((await map.links())[0]).toMatchObject({ sent: null, local_image: { v: 5 } });
  await map.takeRequests();
  expect(await map.push()).toEqual([]);
});

test('an app that writes our value in its own way is in step after one round', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  const app = anApp((fields) => ({
    ...fields,
    Name: typeof fields.Name === 'string' ? fields.Name.trim().toUpperCase() : null,
  }));
  await engine.owner.query(`insert into ${map.table} values (1, ' ann ')`);
  await map.mark(['1']);
  expect(await map.push(app.write)).toHaveLength(1);
  expect(await map.page(app.read())).toMatchObject({ updated: 0, candidates: 0 });
  expect(await map.rows()).toEqual([{ id: 1, name: ' ann ' }]);
  await map.mark(['1']);
  expect(await map.push(app.write)).toEqual([]);
  await engine.owner.query(`update ${map.table} set name = ' Bob'`);
  await map.mark(['1']);
  expect((await map.push(app.write)).map((item) => item.payload)).toEqual([{ Name: ' Bob' }]);
  expect(await map.page(app.read())).toMatchObject({ candidates: 0 });
  expect(await map.push(app.write)).toEqual([]);
});

test('an app that shows a new value as the old one gets it twice, then the row says so and is left alone', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  const app = anApp((fields) => ({ ...fields, Name: typeof fields.Name === 'string' ? fields.Name.trim() : null }));
  await engine.owner.query(`insert into ${map.table} values (1, 'ann')`);
  await map.mark(['1']);
  await map.push(app.write);
  await engine.owner.query(`update ${map.table} set name = 'ann '`);
  await map.mark(['1']);
  for (const time of ['once', 'twice']) {
    expect(
      (await map.push(app.write)).map((item) => item.payload),
      time,
    ).toEqual([{ Name: 'ann ' }]);
    expect((await map.links())[0]?.sent).toEqual({ name: 'ann ' });
    await map.page(app.read());
    await map.takeRequests();
  }
  expect(await map.push(app.write)).toEqual([]);
  expect(await map.errors()).toEqual([expect.objectContaining({ code: 'WRITE_NOT_KEPT', column: 'name' })]);
  expect(await map.page(app.read())).toMatchObject({ candidates: 0 });
  await map.mark(['1']);
  expect(await map.push(app.write)).toEqual([]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'ann ' }]);
  await engine.owner.query(`update ${map.table} set name = 'anna'`);
  await map.mark(['1']);
  expect(await map.push(app.write)).toHaveLength(1);
  expect(await map.errors()).toEqual([]);
});

test('an app that shows its own way of writing only later settles in one round, too', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'a' } }]);
  await engine.owner.query(`update ${map.table} set name = ' b '`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'written' }), { visibleAfter: '1 hour' });
  await map.lifetimesOver();
  await map.page([{ id: 'r1', fields: { Id: 1, Name: 'b' } }]);
  await map.takeRequests();
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
  expect((await map.links())[0]?.sent).toBe(null);
});

test('an answer moves only the fields that were sent', async () => {
  const { map, edit } = await linked();
  await edit('v = 1');
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  await edit('w = 9');
  await map.complete(batch, [{ link_id: item?.link_id ?? '', result: 'written', shown: { V: 1, W: 0 } }]);
  expect((await map.links())[0]).toMatchObject({ local_image: { v: 1, w: 0 } });
  expect((await map.push()).map((next) => next.payload)).toEqual([{ W: 9 }]);
});

test('an echo of a pull is dropped by the claim', async () => {
  const { map } = await linked();
  await map.page([{ id: 'r1', fields: { Id: 1, V: 3, W: 4 } }]);
  await map.mark(['1']);
  expect(await map.push()).toEqual([]);
  expect(await map.outbox()).toEqual([]);
  expect(await map.waiting()).toEqual([]);
});

test('a mapping that is not polled has its uncertain writes looked at', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer', direction: 'push' });
  await engine.owner.query(`insert into ${map.table} values (1, 1)`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'written', remote_id: 'r1' }), { visibleAfter: '1 s' });
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r1', reason: 'unseen' })]);
});

test('a read settles the write of a mapping that only pushes', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer', direction: 'push' });
  await engine.owner.query(`insert into ${map.table} values (1, 1)`);
  await map.mark(['1']);
  await map.push(() => ({ result: 'written', remote_id: 'r1' }));
  await map.page([{ id: 'r1', fields: { Id: 1, V: 1 } }]);
  expect((await map.links())[0]).toMatchObject({ sent: null, local_image: { id: 1, v: 1 } });
  expect(await map.rereads()).toEqual([]);
});
