import { expect, test } from 'vitest';
import { useOutbound } from './stage.ts';

const outbound = useOutbound();

test('an insert, an update and a delete reach the app by themselves', async () => {
  const { shows, effects } = await outbound.stage();
  const daemon = await outbound.daemon();
  await outbound.pool.query(`insert into items values (1, 'hammer', 3), (2, 'saw', 4)`);
  await shows([
    [1, 'hammer', 3],
    [2, 'saw', 4],
  ]);
  await outbound.pool.query(`update items set qty = 5 where id = 2`);
  await shows([
    [1, 'hammer', 3],
    [2, 'saw', 5],
  ]);
  await outbound.pool.query(`delete from items where id = 1`);
  await shows([[2, 'saw', 5]]);
  await outbound.settled();
  expect(effects().map(({ op }) => op)).toEqual(['create', 'create', 'update', 'delete']);
  // Only what changed was sent.
  expect(Object.keys(effects().find(({ op }) => op === 'update')?.values ?? {})).toEqual(['qty']);
  await daemon.stop();
});
