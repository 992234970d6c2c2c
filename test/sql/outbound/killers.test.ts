import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { anApp, type Engine, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

test('a row that kills the daemon three times is failed, and the rows that were out with it are written', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  const app = anApp();
  await engine.owner.query(`insert into ${map.table} select n, 'row ' || n from generate_series(1, 5) n`);
  await map.mark(['1', '2', '3', '4', '5']);

  let deaths = 0;
  for (let round = 0; round < 40; round += 1) {
    const batch = await map.claim();
    if (batch !== null) {
      const items = await map.prepare(batch);
      if (items.some((item) => item.local_key === '3')) {
        deaths += 1;
        await map.takeOver(`owner ${String(round)}`);
      } else {
        await map.complete(
          batch,
          items.map((item) => ({ link_id: item.link_id, ...app.write(item) })),
        );
      }
    }
    await map.dueNow();
  }

  expect(deaths).toBe(3);
  expect(app.read().map((record) => record.fields?.Id)).toEqual([1, 2, 4, 5]);
  expect(await map.errors()).toEqual([expect.objectContaining({ local_key: '3', code: 'INTERNAL' })]);

  await engine.owner.query(`update ${map.table} set name = 'harmless' where id = 3`);
  await map.mark(['3']);
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['lookup']);
  await map.dueNow();
  expect((await map.push(app.write)).map((item) => item.op)).toEqual(['create']);
  expect(app.read()).toHaveLength(5);
});

test('when the daemon dies once, the rows that were out go on in parts of a tenth, and none is lost', async () => {
  const map = await engine.aMapping({ table: 'id integer primary key, name text' });
  const app = anApp();
  await engine.owner.query(`insert into ${map.table} select n, 'row ' || n from generate_series(1, 50) n`);
  await map.mark(Array.from({ length: 50 }, (_, n) => String(n + 1)));
  await map.prepare((await map.claim({ rows: 50 })) ?? '');
  await map.takeOver('the next');
  await map.dueNow();
  const sizes: number[] = [];
  for (let batch = await map.claim({ rows: 50 }); batch !== null; batch = await map.claim({ rows: 50 })) {
    const items = await map.prepare(batch);
    sizes.push(items.length);
    await map.complete(
      batch,
      items.map((item) => ({ link_id: item.link_id, ...app.write(item) })),
    );
  }
  expect(sizes).toEqual(Array.from({ length: 10 }, () => 5));
});
