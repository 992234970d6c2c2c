import { beforeAll, expect, test } from 'vitest';
import { useDatabase } from '../../support/database.ts';
import { type Engine, type Json, useEngine } from '../../support/engine.ts';

const database = useDatabase();
let engine: Engine;
beforeAll(async () => {
  engine = await useEngine(database);
});

test.each<[string, string, Record<string, string>, string, string, string, Json]>([
  [
    'a moment sent as a date',
    'timestamptz',
    { type: 'date' },
    '2024-03-01 10:00Z',
    '2024-03-01 11:00Z',
    '2024-03-02 11:00Z',
    '2000-01-01',
  ],
  ['a number sent as yes or no', 'integer', { type: 'boolean' }, '1', '2', '0', 'perhaps'],
  ['a text sent as a number', 'text', { type: 'number' }, '7', ' 7', '8', 700],
  ['a text that is trimmed on its way', 'text', { out: 'trim' }, 'lamp', 'lamp ', 'lantern', 'LAMP'],
])(
  '%s: a change that the app cannot show needs no request, though the app shows another value',
  async (_, type, form, old, like, other, shown) => {
    const map = await engine.aMapping({
      table: `id integer primary key, v ${type}`,
      columns: ['id', { local: 'v', remote: 'V', ...form }],
      direction: 'push',
    });
    const set = async (value: string) => {
      await engine.owner.query(
        `insert into ${map.table} values (1, $1) on conflict (id) do update set v = excluded.v`,
        [value],
      );
      await map.mark(['1']);
      return (
        await map.push((item) => ({ result: 'written', remote_id: 'r1', shown: { ...item.payload, V: shown } }))
      ).map(({ op }) => op);
    };
    expect(await set(old)).toEqual(['create']);
    expect(await set(like)).toEqual([]);
    expect(await set(other)).toEqual(['update']);
  },
);
