import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { startPlainApp, type PlainApp } from '../../test/apps/plain/plain-app.ts';

export const TOKEN = 'token-of-the-pictures';

const text = (id: string, more = {}): { id: string; type: 'text' } => ({ id, type: 'text', ...more });
const amount = (id: string): { id: string; type: 'number' } => ({ id, type: 'number' });

/** Two stand-ins: a shop that is busy, and a customer list that fails now and then. */
export async function startApps(): Promise<{ shop: PlainApp; crm: PlainApp }> {
  const shop = await startPlainApp({
    token: TOKEN,
    title: 'Shop',
    requestsPerSecond: 14,
    tables: [
      { id: 'products', columns: [amount('sku'), text('title', { maxLength: 40 }), amount('price')] },
      { id: 'orders', columns: [amount('number'), text('customer'), amount('total')] },
      { id: 'stock', columns: [amount('sku'), amount('pieces')] },
    ],
  });
  const crm = await startPlainApp({
    token: TOKEN,
    title: 'Customers',
    tables: [
      { id: 'customers', columns: [amount('number'), text('name'), text('mail')] },
      { id: 'partners', columns: [amount('number'), text('name')] },
    ],
  });
  for (let number = 1; number <= 3000; number += 1) {
    shop.edit('orders', { op: 'create', values: { number, customer: `C${String(number % 90)}`, total: number % 400 } });
  }
  return { shop, crm };
}

const TABLES = `
  create table products (id integer primary key, name text not null, price numeric(10,2));
  create table orders (id integer primary key, customer text, total numeric(10,2));
  create table stock (id integer primary key, pieces integer);
  create table customers (id integer primary key, name text not null, email text);
  create table partners (id integer primary key, name text);
  insert into products select n, 'Product ' || n, 10 + n % 90 from generate_series(1, 400) n;
  insert into stock select n, n % 50 from generate_series(1, 2500) n;
  insert into customers select n, 'Customer ' || n, 'c' || n || '@example.com' from generate_series(1, 150) n;
  insert into partners select n, 'Partner ' || n from generate_series(1, 20) n`;

const MAPPINGS = `
  select tideway.map('products', 'shop', 'products', 'public.products',
    '[{"local": "id", "remote": "sku", "type": "number"}, {"local": "name", "remote": "title"}, {"local": "price", "remote": "price", "type": "number"}]',
    options => '{"schedule": "3 s", "lineage": true, "retry_cap": "20 s"}');
  select tideway.map('orders', 'shop', 'orders', 'public.orders',
    '[{"local": "id", "remote": "number", "type": "number"}, {"local": "customer", "remote": "customer"}, {"local": "total", "remote": "total", "type": "number"}]',
    direction => 'pull', options => '{"schedule": "5 s"}');
  select tideway.map('stock', 'shop', 'stock', 'public.stock',
    '[{"local": "id", "remote": "sku", "type": "number"}, {"local": "pieces", "remote": "pieces", "type": "number"}]', direction => 'push');
  select tideway.map('customers', 'crm', 'customers', 'public.customers',
    '[{"local": "id", "remote": "number", "type": "number"}, {"local": "name", "remote": "name"}, {"local": "email", "remote": "mail", "conflict": "manual"}]',
    options => '{"schedule": "3 s"}');
  select tideway.map('partners', 'crm', 'partners', 'public.partners',
    '[{"local": "id", "remote": "number", "type": "number"}, {"local": "name", "remote": "name"}]', direction => 'push', options => '{"read": {"name": "partners", "key": "id", "ttl": "1 h"}}');
  select tideway.activate(name) from tideway.mappings`;

interface Stage {
  readonly database: Client;
  readonly shop: PlainApp;
  readonly crm: PlainApp;
  /** Where the daemon answers. */
  readonly door: string;
}

export async function defineMappings({ database, shop, crm }: Stage): Promise<void> {
  await database.query(TABLES);
  for (const [name, { url }] of Object.entries({ shop, crm })) {
    await database.query(`select tideway.connect($1, 'plain', $2, 'env:PICTURES_TOKEN')`, [name, { base_url: url }]);
  }
  await database.query(MAPPINGS);
}

/** A working day in minutes: people edit on both sides, apps slow down and fail, somebody makes mistakes. */
export async function work(stage: Stage, seconds: number): Promise<void> {
  const { database, shop, crm, door } = stage;
  const end = Date.now() + seconds * 1000;
  for (let at = 0; Date.now() < end; at += 1) {
    const busy = 6 + Math.round(5 * Math.sin(at / 25));
    await database.query(
      `update products set price = round((10 + random() * 90)::numeric, 2) where id % 40 = $1 % 40 and id <= $2`,
      [at, busy * 40],
    );
    await database.query(`update stock set pieces = pieces + 1 where id % 250 = $1 % 250`, [at]);
    if (at % 4 === 0)
      await database.query(
        `update customers set name = 'Customer ' || id || ' of week ' || $1 where id % 30 = $1 % 30`,
        [at],
      );
    for (let more = 0; more < busy; more += 1) {
      shop.edit('orders', {
        op: 'create',
        values: { number: 10_000 + at * 20 + more, customer: 'C7', total: at % 400 },
      });
    }
    if (at % 3 === 0) editInApp(shop, 'products', at, { title: `Product, new name ${String(at)}` });
    if (at % 5 === 0) editInApp(crm, 'customers', at, { name: `Customer as the app says ${String(at)}` });
    if (at % 40 === 30) shop.fail({ count: 4, path: '/products', with: { kind: 'delay', milliseconds: 900 } });
    if (at % 60 === 50) crm.fail({ count: 3, path: '/customers', with: { kind: 'status', status: 503 } });
    if (at === 40)
      await database.query(`update products set name = repeat('A name too long ', 4) where id in (11, 12, 13, 14)`);
    if (at === 60) await disagree(stage);
    if (at === 90) await database.query('delete from customers where id > 90');
    if (at === 120) await database.query(`select tideway.pause('partners', 'The list is being cleaned up')`);
    if (at === 150) await database.query(`select tideway.sweep('products')`);
    for (let read = 0; read < 4; read += 1) await fetch(`${door}/read/partners/${String(1 + ((at + read) % 20))}`);
    await sleep(700);
  }
}

/** What still runs while the pictures are taken. */
export async function startLongRuns({ database, shop }: Stage): Promise<void> {
  shop.fail({ count: 1000, path: '/orders', with: { kind: 'delay', milliseconds: 2500 } });
  await database.query(`select tideway.sync_now('orders', 'full')`);
  await database.query(`select tideway.backfill('stock')`);
  await database.query(
    `insert into tideway.sync_progress (sync_id, entity_type, total_items, processed_count, started_at)
     values ('import-of-march', 'suppliers', 1200, 780, now() - interval '13 minutes')`,
  );
}

/** The same field changed on both sides while the app takes no writes: a choice for a person. */
async function disagree({ database, crm }: Stage): Promise<void> {
  crm.fail({ count: 4, path: '/customers/records/write', with: { kind: 'status', status: 503 } });
  await database.query(`update customers set email = 'here' || id || '@example.com' where id <= 6`);
  for (const { id, values } of crm.records('customers')) {
    if (Number(values['number']) <= 6)
      crm.edit('customers', { op: 'update', id, values: { mail: 'there@example.com' } });
  }
}

function editInApp(app: PlainApp, table: string, at: number, values: Readonly<Record<string, unknown>>): void {
  const records = app.records(table);
  const record = records[at % Math.max(1, records.length)];
  if (record !== undefined) app.edit(table, { op: 'update', id: record.id, values });
}
