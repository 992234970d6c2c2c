import { readFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { useDatabase } from '../support/database.ts';
import { begun, type Engine, useEngine } from '../support/engine.ts';
import { fencedBlocks } from '../support/fenced-blocks.ts';

const database = useDatabase();
let engine: Engine;

beforeAll(async () => {
  engine = await useEngine(database);
  const own = fencedBlocks(readFileSync('docs/recipes/netsuite-to-shopify.md', 'utf8')).filter((sql) =>
    /^create (table|function)/.test(sql),
  );
  for (const sql of own) await database.pool.query(sql);
});
beforeEach(async () => {
  await database.pool.query(`
    truncate products, locations, stock, shop_levels, customers, orders, order_lines;
    insert into products (sku, netsuite_id) values ('MUG', '101');
    insert into locations values ('1', 'Location/1');
    insert into customers values ('ada@example.com', 'Ada', 'Ahl')`);
});

/** Two sessions at once: the second one does its part before the first one has committed. */
const beside = async (first: string, second: string): Promise<void> => {
  const [one, other] = [await database.client(), await database.client()];
  await one.query('begin');
  await one.query(first);
  const { end } = await begun(engine, other, second);
  await one.query('commit');
  await end;
};

type Parts = Readonly<Record<string, string>>;

/** Every two of them, either one first. */
const pairs = (parts: Parts): string[][] =>
  Object.keys(parts).flatMap((first) =>
    Object.keys(parts)
      .filter((second) => second !== first)
      .map((second) => [first, second]),
  );

/** These two at once, and the others before them. */
const meet = async (parts: Parts, first = '', second = ''): Promise<void> => {
  const { [first]: one = '', [second]: other = '', ...before } = parts;
  for (const sql of Object.values(before)) await database.pool.query(sql);
  await beside(one, other);
};

describe('docs/recipes/netsuite-to-shopify.md', () => {
  const order = {
    order: `insert into orders (shopify_id, name, email, subtotal) values ('Order/1', '#1', 'ada@example.com', 10)`,
    lines: `insert into order_lines values ('Line/1', 'Order/1', 'MUG', 2, 5)`,
    customer: `update customers set netsuite_id = '204'`,
  };
  test.each(pairs(order))(
    'an order is complete when its %s and its %s come at the same time',
    async (first, second) => {
      await meet(order, first, second);
      const { rows } = await database.pool.query('select customer, lines from orders');
      expect(rows).toEqual([{ customer: '204', lines: [{ item: '101', quantity: 2, rate: 5 }] }]);
    },
  );

  const levels = async () =>
    (await database.pool.query<object>(`select met, available::int, quantity::int from shop_levels, stock`)).rows;

  const stock = {
    product: `update products set stock_item = 'Item/1'`,
    stock: `insert into stock values ('101', '1', 5)`,
    level: `insert into shop_levels values ('Item/1', 'Location/1', 0)`,
  };
  test.each(pairs(stock))('stock meets when the %s and the %s come at the same time', async (first, second) => {
    await meet(stock, first, second);
    expect(await levels()).toEqual([{ met: true, available: 5, quantity: 5 }]);
  });

  const moved = 'update stock set quantity = 8';
  test.each([
    [stock.level, moved],
    [moved, stock.level],
  ])('stock that moves while it meets is not lost: %s; %s', async (first, second) => {
    for (const sql of [stock.product, stock.stock]) await database.pool.query(sql);
    await beside(first, second);
    expect(await levels()).toEqual([{ met: true, available: 8, quantity: 8 }]);
  });

  test('stock that moves on both sides at once is added up', async () => {
    for (const sql of Object.values(stock)) await database.pool.query(sql);
    await beside('update stock set quantity = quantity + 3', 'update shop_levels set available = available - 2');
    expect(await levels()).toEqual([{ met: true, available: 6, quantity: 6 }]);
  });
});
