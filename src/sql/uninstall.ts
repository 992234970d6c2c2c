import { escapeIdentifier } from 'pg';
import { TidewayError } from '../runtime/errors.ts';
import type { Database } from './database.ts';

interface Options {
  slot: string;
  publication: string;
  schemas: boolean;
  /** Also the ledger of migrations, when nobody else keeps his there. */
  ledger: boolean;
  /** Also what people built on our objects. */
  cascade: boolean;
}

/** Takes away what holds the log back and, when asked, everything else. Returns what was dropped. */
export async function uninstall(
  database: Database,
  { slot, publication, schemas, ledger, cascade }: Options,
): Promise<string[]> {
  const dropped: string[] = [];
  const [held] = await database<{ active: boolean; active_pid: number | null }[]>`
    select active, active_pid from pg_replication_slots where slot_name = ${slot} and database = current_database()`;
  if (held?.active) {
    throw new TidewayError('TWU01', `The replication slot ${slot} is in use by process ${held.active_pid}.`, {
      mend: 'Stop the daemon first. Nothing was dropped.',
    });
  }
  const built = schemas && !cascade ? await builtOnOurs(database) : [];
  if (built.length > 0) {
    throw new TidewayError('TWU02', `What you built depends on Tideway: ${built.join(', ')}.`, {
      mend: 'Drop or change it first, or let it go too: tideway uninstall --schema --cascade. Nothing was dropped.',
    });
  }
  if (held) {
    await database`select pg_drop_replication_slot(${slot})`;
    dropped.push(`replication slot ${slot}`);
  }
  const published = await database`select from pg_publication where pubname = ${publication}`;
  if (published.length > 0) {
    await database.unsafe(`drop publication ${escapeIdentifier(publication)}`);
    dropped.push(`publication ${publication}`);
  }
  if (schemas) {
    await database`drop schema if exists tideway, tideway_private, tideway_run cascade`;
    dropped.push('schemas tideway, tideway_private and tideway_run');
  }
  if (ledger) {
    await database`drop schema if exists graphile_migrate cascade`;
    dropped.push('schema graphile_migrate');
  }
  return dropped;
}

/** Objects of other schemas that would go with ours. */
async function builtOnOurs(database: Database): Promise<string[]> {
  const found = await database<{ name: string }[]>`
    with spaces as (
      select oid from pg_namespace where nspname in ('tideway', 'tideway_private', 'tideway_run')
    ), ours as (
      select 'pg_class'::regclass as kind, c.oid from pg_class as c join spaces as s on s.oid = c.relnamespace
      union all
      select 'pg_proc'::regclass, p.oid from pg_proc as p join spaces as s on s.oid = p.pronamespace
      union all
      select 'pg_type'::regclass, t.oid from pg_type as t join spaces as s on s.oid = t.typnamespace
    ), dependents as (
      select d.classid, d.objid, d.objsubid, coalesce(w.ev_class, g.tgrelid, a.adrelid, k.conrelid, l.polrelid,
               case when d.classid = 'pg_class'::regclass then d.objid end) as relation
        from pg_depend as d
        join ours as o on o.kind = d.refclassid and o.oid = d.refobjid
        left join pg_rewrite as w on d.classid = 'pg_rewrite'::regclass and w.oid = d.objid
        left join pg_trigger as g on d.classid = 'pg_trigger'::regclass and g.oid = d.objid
        left join pg_attrdef as a on d.classid = 'pg_attrdef'::regclass and a.oid = d.objid
        left join pg_constraint as k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
        left join pg_policy as l on d.classid = 'pg_policy'::regclass and l.oid = d.objid
       where d.deptype in ('n', 'a')
         and not exists (select from ours as same where same.kind = d.classid and same.oid = d.objid)
    )
    select distinct case when d.classid = 'pg_rewrite'::regclass
                         then pg_describe_object('pg_class'::regclass, d.relation, 0)
                         else pg_describe_object(d.classid, d.objid, d.objsubid) end as name
      from dependents as d
      left join pg_class as c on c.oid = d.relation
      left join pg_proc as p on d.classid = 'pg_proc'::regclass and p.oid = d.objid
     where coalesce(c.relnamespace, p.pronamespace) is not null
       and coalesce(c.relnamespace, p.pronamespace) not in (select oid from spaces)
     order by 1`;
  return found.map(({ name }) => name);
}
