/** What the demo runs and prints, one statement after the other; the same works in psql. */
export function demoSteps(appUrl: string): { why: string; statement: string }[] {
  return [
    {
      why: 'A table of yours, with rows',
      statement: `create table products (id integer primary key, name text not null, price numeric(10,2));
insert into products values (1, 'Lamp', 49.90), (2, 'Chair', 89), (3, 'Desk', 240);`,
    },
    {
      why: 'The app, with a reference to its secret',
      statement: `select tideway.connect('shop', 'plain', '{"base_url": "${appUrl}"}', 'env:DEMO_APP_TOKEN');`,
    },
    {
      why: 'The table tied to a table of the app, both ways, looking for changes every two seconds',
      statement: `select tideway.map('products', 'shop', 'products', 'public.products',
  '[{"local": "id", "remote": "sku", "type": "number"},
    {"local": "name", "remote": "title"},
    {"local": "price", "remote": "price", "type": "number"}]',
  options => '{"schedule": "2 s"}');`,
    },
    { why: 'Let it work', statement: `select tideway.activate('products');` },
  ];
}

/** A change here, which the demo then finds in the app. */
export const changeHere = {
  why: 'A change here',
  statement: `update products set price = 44.90 where id = 1;`,
};

const MANY = 500;

/** Many rows at once, whose way to the app the demo shows as a bar. */
export const manyHere = {
  why: 'Many rows in one statement',
  count: MANY,
  statement: `insert into products select 100 + n, 'Part ' || n, n from generate_series(1, ${String(MANY)}) n;`,
};
