import type { ClientBase, Pool } from 'pg';

/** Two tables and their active mappings: products (key id integer) and prices (key product, currency). */
export async function defineProducts(db: ClientBase | Pool): Promise<{ products: number; prices: number }> {
  await db.query(`
    create table public.products (id integer primary key, name text);
    create table public.prices (product integer, currency char(3), at timestamptz, primary key (product, currency, at));
    do $$ begin create role shop_owner; exception when duplicate_object or unique_violation then null; end $$;
    alter table public.products owner to shop_owner;
    alter table public.prices owner to shop_owner;
    insert into tideway.connections (org_id, name, system) values ('default', 'shop', 'shopify');
    insert into tideway.mappings
      (org_id, name, connection_id, remote_table, local_table, local_name, key_columns, direction, run_as, state)
    select 'default', m.name, c.id, m.name, ('public.' || m.name)::regclass, 'public.' || m.name, m.key, 'both', 'shop_owner', 'active'
      from tideway.connections c
      cross join (values ('products', array['id']), ('prices', array['product', 'currency', 'at'])) as m (name, key)
     where c.name = 'shop'
     order by m.name desc`);
  const { rows } = await db.query<{ name: string; number: number }>('select name, number from tideway.mappings');
  const number = (name: string) => rows.find((row) => row.name === name)?.number ?? 0;
  return { products: number('products'), prices: number('prices') };
}
