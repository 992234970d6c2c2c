import type { Database } from '../database.ts';

export async function storeSystems(database: Database, systems: readonly unknown[]): Promise<void> {
  await database`select tideway_private.store_systems(${JSON.stringify(systems)}::text::jsonb)`;
}
