import type { Database } from '../database.ts';

export interface StoredDelivery {
  readonly connection: number;
  readonly id: string;
  /** A table that is null stands for every mapped table. */
  readonly changed: readonly { readonly table: string | null; readonly ids: readonly string[] }[];
  /** Which try of the sender's it is, where it says so. */
  readonly attempt?: number;
  readonly ms: number;
}

/** Committed when it resolves; returns the deliveries that were not there yet. */
export async function receiveWebhooks(
  database: Database,
  deliveries: readonly StoredDelivery[],
): Promise<{ readonly connection: number; readonly delivery_id: string }[]> {
  return database<{ connection: number; delivery_id: string }[]>`
      select * from tideway_private.receive_webhooks(${JSON.stringify(deliveries)}::text::jsonb)`;
}
