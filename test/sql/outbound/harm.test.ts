import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Outcome, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

const harmed = (column?: string): NonNullable<Outcome['harmed']> => [
  {
    ...{ remote_id: 'r2', class: 'CONFLICT', code: 'OVERWRITTEN', message: 'V of r2 is gone' },
    ...(column === undefined ? {} : { column }),
  },
];
const told = { direction: 'push', remote_id: 'r2', local_key: null, class: 'CONFLICT', code: 'OVERWRITTEN' };

/** One row that both sides have, and that has just been changed here. */
const changed = async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, v integer' });
  await map.page([{ id: 'r1', fields: { Id: 1, V: 0 } }]);
  const change = async (id: number, v: number) => {
    await engine.owner.query(`update ${map.table} set v = $2 where id = $1`, [id, v]);
    await map.mark([String(id)]);
  };
  await change(1, 1);
  return { map, change };
};

test('what a write took from another record stays open, whatever succeeds afterwards, until a person closes it', async () => {
  const { map, change } = await changed();
  await map.push((item) => ({ result: 'written', remote_id: 'r1', shown: item.payload, harmed: harmed('V') }));
  const open = [{ ...told, column: 'v', severity: 'warning', message: 'V of r2 is gone' }];
  expect(await map.errors()).toMatchObject(open);
  const [link] = await map.links();
  expect(link).toMatchObject({ remote_id: 'r1', sent: null, local_image: { v: 1 } });

  await change(1, 2);
  await map.push();
  await map.page([{ id: 'r2', fields: { Id: 2, V: null } }]);
  expect(await map.row(2)).toEqual({ id: 2, v: null });
  await change(2, 5);
  expect(await map.push()).toMatchObject([{ remote_id: 'r2', payload: { V: 5 } }]);
  await map.page([{ id: 'r2', fields: { Id: 2, V: 6 } }]);
  expect(await map.errors()).toMatchObject(open);

  const { rows } = await database.pool.query<{ closed: number; suggestion: string }>(
    `select tideway.resolve_sync_error(error_id, 'typed again') as closed, suggestion from tideway.failed_rows where mapping = $1`,
    [map.name],
  );
  expect(rows).toEqual([{ closed: 1, suggestion: expect.stringContaining('type it again') as string }]);
  expect(await map.errors()).toEqual([]);
});

test.for<[Outcome['result']]>([['uncertain'], ['retry'], ['refused'], ['conflict'], ['not_found']])(
  'it is told beside the answer %s too',
  async ([result]) => {
    const { map } = await changed();
    await map.push(() => ({ result, harmed: harmed('Unmapped') }));
    const errors = await map.errors();
    expect(errors.filter(({ code }) => code === 'OVERWRITTEN')).toMatchObject([{ ...told, column: 'Unmapped' }]);
  },
);

test('it is told by an owner whose lease is over, and by one whose batch is gone', async () => {
  const { map } = await changed();
  const batch = (await map.claim()) ?? '';
  const [item] = await map.prepare(batch);
  const { before } = await map.takeOver('second');
  const late = [{ link_id: item?.link_id ?? '', result: 'written' as const, harmed: harmed() }];
  expect(await map.complete(batch, late, { epoch: before })).toEqual({ late: true });
  expect(await map.errors()).toMatchObject([{ ...told, column: null }]);
  const attempts = () =>
    engine.all('select attempts from tideway.sync_errors where mapping_id = $1', [map.id], engine.watcher);
  expect(await attempts()).toEqual([{ attempts: 1 }]);
  await engine.daemon.query('delete from tideway_private.in_flight where id = $1', [batch]);
  expect(await map.complete(batch, late, { epoch: before })).toEqual({ late: true });
  expect(await attempts()).toEqual([{ attempts: 2 }]);
});
