import type { Database } from './database.ts';

interface SystemRow {
  readonly system: string;
  readonly title: string;
  readonly settings_schema: unknown;
  readonly types: readonly unknown[];
  readonly limits: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Tells the database which systems this release speaks with, so that connect and map can check what people write. */
export async function describeSystems(database: Database, systems: readonly SystemRow[]): Promise<void> {
  await database`
    insert into tideway.systems as s (system, title, settings_schema, types, limits, capabilities)
    select x.system, x.title, x.settings_schema, x.types, x.limits, x.capabilities
      from jsonb_to_recordset(${JSON.stringify(systems)}::text::jsonb)
        as x (system text, title text, settings_schema jsonb, types jsonb, limits jsonb, capabilities jsonb)
     order by x.system
        on conflict (system) do update
       set title = excluded.title,
           settings_schema = excluded.settings_schema,
           types = excluded.types,
           limits = excluded.limits,
           capabilities = excluded.capabilities,
           described_at = now()`;
}
