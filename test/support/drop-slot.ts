import type { Pool } from 'pg';
import { waitFor } from './wait-for.ts';

/** A killed daemon's walsender holds its slot until it notices, so the drop is tried again. */
export async function dropSlot(pool: Pool, slot: string): Promise<void> {
  await waitFor(() =>
    pool.query(`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1`, [slot]),
  );
}
