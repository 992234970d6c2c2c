import type { Database } from '../database.ts';

/** Pauses one mapping with its reason; the others go on. */
export async function stopMapping(database: Database, mapping: number, code: string, message: string): Promise<void> {
  await database`
    select tideway_private.stop_mapping(m, ${JSON.stringify({ code, message })}::text::jsonb)
      from tideway.mappings m where m.number = ${mapping}`;
}
