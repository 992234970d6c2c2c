import { Client } from 'pg';
import { connectionTo, type Database } from './database.ts';

export interface ServerFacts {
  version_number: number;
  version: string;
  wal_level: string;
  free_slots: number;
  max_slots: number;
  free_senders: number;
  max_senders: number;
  /** In megabytes; -1 is without limit. */
  slot_keep_mb: number;
  sender_timeout_ms: number;
  /** In seconds; nothing before PostgreSQL 18. */
  idle_slot_timeout_s: number | null;
  login: string;
  may_replicate: boolean;
  may_act_as_daemon: boolean;
  /** Whether schema tideway is there, and whether this login may ask for its version. */
  installed: boolean;
  may_ask_version: boolean;
  provider: 'supabase' | 'rds' | 'cloudsql' | 'other';
  clock: Date;
  publication: PublicationSettings | null;
  published: { name: string; key: boolean; identity: string; whole: boolean }[];
}

interface PublicationSettings {
  /** Whether inserts, updates, deletes and truncates are all published. */
  complete: boolean;
  via_root: boolean;
}

/** Everything that doctor judges a server by, in one look. */
export async function readServerFacts(database: Database, publication: string): Promise<ServerFacts> {
  const [facts] = await database<ServerFacts[]>`
    select current_setting('server_version_num')::int as version_number,
           current_setting('server_version') as version,
           current_setting('wal_level') as wal_level,
           current_setting('max_replication_slots')::int - (select count(*)::int from pg_replication_slots) as free_slots,
           current_setting('max_replication_slots')::int as max_slots,
           current_setting('max_wal_senders')::int
             - (select count(*)::int from pg_stat_replication) as free_senders,
           current_setting('max_wal_senders')::int as max_senders,
           (select setting::int from pg_settings where name = 'max_slot_wal_keep_size') as slot_keep_mb,
           (select setting::int from pg_settings where name = 'wal_sender_timeout') as sender_timeout_ms,
           (select case unit when 'min' then setting::int * 60 else setting::int end
              from pg_settings where name = 'idle_replication_slot_timeout') as idle_slot_timeout_s,
           current_user::text as login,
           (select rolreplication or rolsuper from pg_roles where rolname = current_user) as may_replicate,
           coalesce((select pg_has_role(current_user, oid, 'member') from pg_roles where rolname = 'tideway_daemon'), false)
             as may_act_as_daemon,
           to_regnamespace('tideway') is not null as installed,
           coalesce(has_function_privilege(to_regprocedure('tideway.version()'), 'execute'), false) as may_ask_version,
           case
             when exists (select from pg_roles where rolname = 'supabase_admin') then 'supabase'
             when exists (select from pg_roles where rolname = 'rdsadmin') then 'rds'
             when exists (select from pg_roles where rolname = 'cloudsqladmin') then 'cloudsql'
             else 'other'
           end as provider,
           clock_timestamp() as clock,
           (select jsonb_build_object('complete', pubinsert and pubupdate and pubdelete and pubtruncate, 'via_root', pubviaroot)
              from pg_publication where pubname = ${publication}) as publication,
           coalesce((
             select jsonb_agg(jsonb_build_object(
                      'name', c.oid::regclass::text,
                      'key', exists (select from pg_index as i where i.indrelid = c.oid and i.indisprimary),
                      'identity', c.relreplident,
                      'whole', not exists (
                        select from pg_publication_rel as r join pg_publication as p on p.oid = r.prpubid
                         where p.pubname = t.pubname and r.prrelid = c.oid
                           and (r.prattrs is not null or r.prqual is not null)))
                    order by c.oid::regclass::text)
               from pg_publication_tables as t
               join pg_namespace as n on n.nspname = t.schemaname
               join pg_class as c on c.relnamespace = n.oid and c.relname = t.tablename
              where t.pubname = ${publication}
           ), '[]') as published`;
  if (!facts) throw new Error('The server told nothing about itself.');
  return facts;
}

/** Fails when this login may not read the log over this connection, which a pooler does not let through. */
export async function identifySystem(url: string): Promise<void> {
  const client = new Client({
    ...connectionTo(url),
    ...{ replication: 'database' },
    application_name: 'tideway/doctor',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('IDENTIFY_SYSTEM');
  } finally {
    await client.end();
  }
}
