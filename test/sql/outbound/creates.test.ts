import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { anApp, type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const aRow = async (wanted: Partial<Parameters<Engine['aMapping']>[0]> = {}) => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text', ...wanted });
  await engine.owner.query(`insert into ${map.table} values (1, 'one')`);
  await map.mark(['1']);
  return map;
};

test('a create waits for the first complete read of a mapping in both directions', async () => {
  const map = await aRow({ read: false });
  expect(await map.push()).toEqual([]);
  expect(await map.waiting()).toEqual([expect.objectContaining({ reason: 'dependency' })]);
  await map.page([], { complete: true });
  await map.dueNow();
  expect(await map.push()).toEqual([
    expect.objectContaining({ op: 'create', payload: { Id: 1, Name: 'one' }, correlation: { Id: 1 } }),
  ]);
});

test('a record that the first read finds for the row is linked, not created a second time', async () => {
  const map = await aRow({ read: false });
  await map.push();
  await map.page([{ id: 'r7', fields: { Id: 1, Name: 'one' } }], { complete: true });
  await map.dueNow();
  expect(await map.push()).toEqual([]);
  expect((await map.links())[0]).toMatchObject({ local_key: '1', remote_id: 'r7', sent: null });
});

test('a create whose answer is lost is looked up before it is made again', async () => {
  const map = await aRow();
  const app = anApp();
  await map.push((item) => {
    app.write(item);
    return { result: 'uncertain' };
  });
  await map.dueNow();
  const [lookup] = await map.push(app.write);
  expect(lookup).toMatchObject({ op: 'lookup', correlation: { Id: 1 } });
  expect((await map.links())[0]).toMatchObject({ remote_id: 'r1', sent: null, local_image: { id: 1, name: 'one' } });
  await map.dueNow();
  expect(await map.push(app.write)).toEqual([]);
  expect(app.records.size).toBe(1);
});

test('a create that the lookup does not find is made then', async () => {
  const map = await aRow();
  const app = anApp();
  await map.push(() => ({ result: 'uncertain' }));
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['lookup']);
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['create']);
  expect(app.read()).toEqual([{ id: 'r1', fields: { Id: 1, Name: 'one' } }]);
  expect((await map.links())[0]).toMatchObject({ remote_id: 'r1', sent: null });
});

test('a row that is deleted while its create has no answer takes the record along once the lookup has found it', async () => {
  const map = await aRow();
  const app = anApp();
  await map.push((item) => {
    app.write(item);
    return { result: 'uncertain' };
  });
  await engine.owner.query(`delete from ${map.table}`);
  await map.mark(['1'], { op: 2 });
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['lookup']);
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['delete']);
  expect(app.records.size).toBe(0);
});

test('what was edited between a lost create and its lookup is sent after it', async () => {
  const map = await aRow();
  const app = anApp();
  await map.push((item) => {
    app.write(item);
    return { result: 'uncertain' };
  });
  await engine.owner.query(`update ${map.table} set name = 'two'`);
  await map.mark(['1']);
  await map.dueNow();
  await map.push(app.write);
  await map.dueNow();
  await map.push(app.write);
  expect(app.read()).toEqual([{ id: 'r1', fields: { Id: 1, Name: 'two' } }]);
  expect(await map.conflicts()).toEqual([]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'two' }]);
});

test('the late answer of a fenced owner is evidence: its record is not created a second time', async () => {
  const map = await aRow();
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  const { before } = await map.takeOver('second');
  expect(
    await map.complete(
      batch,
      [{ link_id: item?.link_id ?? '', result: 'written', remote_id: 'r5', shown: item?.payload ?? {} }],
      { epoch: before },
    ),
  ).toEqual({ late: true });
  expect((await map.links())[0]).toMatchObject({ remote_id: 'r5' });
  await map.dueNow();
  expect((await map.push()).map(({ op, remote_id }) => ({ op, remote_id }))).toEqual([
    { op: 'update', remote_id: 'r5' },
  ]);
});

test('a record with our key that turns up while the create is open is our own', async () => {
  const map = await aRow();
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  await map.page([{ id: 'r9', fields: { Id: 1, Name: 'one' } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'one' }]);
  expect(await map.links()).toEqual([expect.objectContaining({ local_key: '1', remote_id: 'r9' })]);
  await map.complete(batch, [
    { link_id: item?.link_id ?? '', result: 'written', remote_id: 'r9', shown: item?.payload ?? {} },
  ]);
  expect(await map.links()).toEqual([
    expect.objectContaining({ local_key: '1', remote_id: 'r9', sent: null, local_image: { id: 1, name: 'one' } }),
  ]);
  expect(await map.errors()).toEqual([]);
  expect(await map.push()).toEqual([]);
});

test('an edit of the row while its create is open and read is sent afterwards', async () => {
  const map = await aRow();
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  await engine.owner.query(`update ${map.table} set name = 'two'`);
  await map.mark(['1']);
  await map.page([{ id: 'r9', fields: { Id: 1, Name: 'one' } }]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'two' }]);
  await map.complete(batch, [
    { link_id: item?.link_id ?? '', result: 'written', remote_id: 'r9', shown: item?.payload ?? {} },
  ]);
  expect((await map.push()).map((next) => next.payload)).toEqual([{ Name: 'two' }]);
});

test('a record whose key nobody can read waits while a create is open', async () => {
  const map = await aRow({
    table: 'id integer generated by default as identity primary key, name text',
    columns: ['name'],
  });
  const batch = (await map.claim()) ?? '';
  await map.prepare(batch);
  expect(await map.page([{ id: 'r9', fields: { Name: 'one' } }])).toMatchObject({ created: 0, deferred: 1 });
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: 'r9', reason: 'open_create' })]);
  expect(await map.rows()).toHaveLength(1);
});

test('two answers that name one record leave one link and one error', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  await engine.owner.query(`insert into ${map.table} values (1, 'a'), (2, 'b')`);
  await map.mark(['1', '2']);
  await map.push((item) => ({ result: 'written', remote_id: 'same', shown: item.payload }));
  expect((await map.links()).filter((link) => link.remote_id === 'same')).toHaveLength(1);
  expect((await map.errors()).filter((error) => error.severity === 'error')).toHaveLength(1);
});

test('a create that the app refused leaves no link, and the row says why', async () => {
  const map = await aRow();
  await map.push(() => ({
    result: 'refused',
    class: 'VALIDATION_ERROR',
    code: 'VALUE_TOO_LONG',
    message: 'too long',
    column: 'Name',
  }));
  expect(await map.links()).toEqual([]);
  expect(await map.errors()).toEqual([
    expect.objectContaining({ local_key: '1', column: 'name', code: 'VALUE_TOO_LONG', direction: 'push' }),
  ]);
  expect(await map.waiting()).toEqual([expect.objectContaining({ reason: 'failed', due: false })]);
  await engine.owner.query(`update ${map.table} set name = 'shorter'`);
  await map.mark(['1']);
  expect(await map.push()).toHaveLength(1);
  expect(await map.errors()).toEqual([]);
  expect(await map.waiting()).toEqual([]);
});

test('what a person changed in the record of a lost create before it was found is taken in, not overwritten', async () => {
  const map = await aRow();
  const app = anApp();
  await map.push((item) => {
    app.write(item);
    return { result: 'uncertain' };
  });
  const [id = ''] = [...app.records.keys()];
  app.records.set(id, { Id: 1, Name: 'theirs' });
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['lookup']);
  await map.dueNow();
  expect(await map.push(app.write)).toEqual([]);
  expect(await map.rereads()).toEqual([expect.objectContaining({ remote_id: id, reason: 'found' })]);
  await map.page(app.read());
  expect(await map.rows()).toEqual([{ id: 1, name: 'theirs' }]);
});

test('what a person changed there while the row was changed here is a conflict that somebody can read of', async () => {
  const map = await aRow();
  const app = anApp();
  await map.push((item) => {
    app.write(item);
    return { result: 'uncertain' };
  });
  const [id = ''] = [...app.records.keys()];
  app.records.set(id, { Id: 1, Name: 'theirs' });
  await engine.owner.query(`update ${map.table} set name = 'ours'`);
  await map.mark(['1']);
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['lookup']);
  await map.dueNow();
  expect(await map.push(app.write)).toEqual([]);
  await map.page(app.read());
  expect(await map.conflicts()).toEqual([
    expect.objectContaining({ column: 'name', local_value: 'ours', remote_value: 'theirs', resolution: 'remote' }),
  ]);
  await map.dueNow();
  expect(await map.push(app.write)).toEqual([]);
  expect(await map.rows()).toEqual([{ id: 1, name: 'theirs' }]);
});

test('a number that the app shows as text is our own value all the same: a newer edit of the row is not undone', async () => {
  const map = await engine.aMapping({
    table: 'id integer primary key, price numeric',
    columns: ['id', { local: 'price', remote: 'Price', type: 'number' }],
  });
  const price = async (value: number) => {
    await engine.owner.query(
      `insert into ${map.table} values (1, $1) on conflict (id) do update set price = excluded.price`,
      [value],
    );
    await map.mark(['1']);
    await map.dueNow();
  };
  const shown = (text: string) => ({ id: 'r1', fields: { Id: 1, Price: text } });
  // A create without an answer, then an edit: the lookup shows the first value.
  await price(5);
  await map.push(() => ({ result: 'uncertain' }));
  await price(6);
  const [lookup] = await map.push(() => ({ result: 'found', remote_id: 'r1', shown: { Id: 1, Price: '5.00' } }));
  expect(lookup?.op).toBe('lookup');
  await map.page([shown('5.00')]);
  expect(await map.rows()).toEqual([{ id: 1, price: '6' }]);
  await map.dueNow();
  expect(
    await map.push((item) => ({ result: 'written', remote_id: 'r1', shown: { ...item.payload, Price: '6.00' } })),
  ).toMatchObject([{ op: 'update', payload: { Price: 6 } }]);
  // An update without an answer, then an edit: a read shows that it was kept.
  await price(7);
  await map.push(() => ({ result: 'uncertain' }));
  await price(8);
  await map.lifetimesOver();
  await map.page([shown('7.00')]);
  expect(await map.rows()).toEqual([{ id: 1, price: '8' }]);
  await map.dueNow();
  expect(await map.push()).toMatchObject([{ op: 'update', payload: { Price: 8 } }]);
});
