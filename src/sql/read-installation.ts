import type { Database } from './database.ts';

export interface Installation {
  /** The roles that mappings run as, and whether their function in tideway_run is what we made. */
  runners: { role: string; exists: boolean; stands: boolean }[];
  connections: ConnectionState[];
  /** Followed tables that the publication does not hold. */
  unpublished: string[];
  /** Mappings that should have been read ten minutes ago. */
  overdue: string[];
}

export interface ConnectionState {
  name: string;
  org_id: string;
  state: string;
  paused_reason: string | null;
  tested: boolean;
  test_error: string | null;
  /** The reference as stored; never shown. */
  secret: string | null;
}

/** What people have defined, seen with the rights of the daemon. */
export async function readInstallation(database: Database, publication: string): Promise<Installation> {
  return database.begin(async (session) => {
    await session`set local role tideway_daemon`;
    const runners = await session<Installation['runners']>`
      select m.run_as as role, r.oid is not null as exists, tideway_private.runner_stands(m.run_as) as stands
        from (select distinct run_as from tideway.mappings) as m
        left join pg_roles as r on r.rolname = m.run_as
       order by 1`;
    const connections = await session<ConnectionState[]>`
      select c.name, c.org_id, c.state, c.paused_reason, c.tested_at is not null as tested, c.test_error, s.secret
        from tideway.connections as c
        left join tideway_private.connection_secrets as s on s.connection_id = c.id
       order by c.org_id, c.name`;
    const unpublished = await session<{ name: string }[]>`
      select f.relation::regclass::text as name
        from tideway_private.followed_tables() as f
       where not exists (
               select from pg_publication_tables as t
                where t.pubname = ${publication} and t.schemaname = f.schema_name and t.tablename = f.table_name)
       order by 1`;
    const overdue = await session<{ name: string }[]>`
      select distinct m.name
        from tideway_private.due_reads as d
        join tideway.mappings as m on m.number = d.mapping and m.state = 'active'
        join tideway.connections as c on c.id = m.connection_id and c.state = 'active'
       where d.due_at < now() - interval '10 minutes'
       order by 1`;
    return {
      runners: [...runners],
      connections: [...connections],
      unpublished: unpublished.map(({ name }) => name),
      overdue: overdue.map(({ name }) => name),
    };
  });
}

/** Reads a secret of Supabase Vault; nothing where there is none, or no vault. */
export async function readVaultSecret(database: Database, name: string): Promise<string | undefined> {
  const [vault] = await database<
    { there: boolean }[]
  >`select to_regclass('vault.decrypted_secrets') is not null as there`;
  if (!vault?.there) return undefined;
  const [row] = await database<{ secret: string }[]>`
    select decrypted_secret as secret from vault.decrypted_secrets where name = ${name}`;
  return row?.secret;
}
