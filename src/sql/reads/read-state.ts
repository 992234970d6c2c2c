import type { Database } from '../database.ts';

export interface ReadState {
  readonly mapping: number;
  readonly org_id: string;
  /** Changes with the rows. */
  readonly tag: string;
  /** Whether what is read now may be remembered under the tag. */
  readonly is_settled: boolean;
  readonly ttl_ms: number;
}

/** Undefined when no active mapping has a read cache of that name. */
export async function readState(
  database: Database,
  name: string,
  slot: string,
  organisation: string | null,
): Promise<ReadState | undefined> {
  const [row] = await database<ReadState[]>`
    select mapping, org_id, tag, is_settled, ttl_ms::float8 as ttl_ms from tideway_private.read_state(${name}, ${organisation}, ${slot})`;
  return row;
}
