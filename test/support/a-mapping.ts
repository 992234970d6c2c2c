import type pg from 'pg';

export interface TestMapping {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly connectionId: string;
  readonly connectionNumber: number;
}

interface Wanted {
  readonly name?: string;
  readonly org?: string;
  readonly system?: string;
  readonly table?: string;
  readonly itemType?: string | null;
  readonly pattern?: string | null;
  readonly onlyListed?: boolean;
  readonly columns?: readonly (readonly [local: string, remote: string, type: string, authority?: string])[];
}

/** A mapping and its connection as rows, whatever map() would say; a test names only what it is about. */
export async function aMapping(db: pg.Pool | pg.ClientBase, wanted: Wanted = {}): Promise<TestMapping> {
  const { name = 'products', org = 'default', system = 'glide', table = 'public.products' } = wanted;
  await db.query(`insert into tideway.organisations (org_id) values ($1) on conflict do nothing`, [org]);
  await db.query(
    `create table if not exists ${table} (id integer primary key, name text, price numeric, status text, updated_at timestamptz)`,
  );
  const { rows } = await db.query<TestMapping>(
    `with c as (
       insert into tideway.connections (org_id, name, system) values ($1, $2 || '_account', $3) returning *
     ), m as (
       insert into tideway.mappings (org_id, name, connection_id, remote_table, local_table, local_name, key_columns, direction, run_as,
                                     state, item_type, pattern, only_listed)
       select c.org_id, $2, c.id, 'Master Sheet', $4::text::regclass, $4, '{id}', 'both', 'tideway_daemon', 'active', $5, $6, $7 from c
       returning *
     )
     select m.id, m.number, m.name, c.id as "connectionId", c.number as "connectionNumber" from m, c`,
    [org, name, system, table, wanted.itemType ?? null, wanted.pattern ?? null, wanted.onlyListed ?? false],
  );
  const mapping = rows[0]!;
  const columns = wanted.columns ?? [
    ['id', 'ID', 'integer'],
    ['name', 'Name', 'text'],
    ['price', 'Price', 'numeric'],
    ['status', 'Status', 'text'],
    ['updated_at', 'Updated', 'timestamp with time zone'],
  ];
  for (const [ordinal, [local, remote, type, authority]] of columns.entries()) {
    await db.query(
      `insert into tideway.mapping_columns (mapping_id, org_id, ordinal, local, remote, field, local_type, direction, is_key, authority)
       values ($1, $2, $3, $4, $5, $4, $6, 'both', $4 = 'id', $7)`,
      [mapping.id, org, ordinal, local, remote, type, authority ?? null],
    );
  }
  return mapping;
}
