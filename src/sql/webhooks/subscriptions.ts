import type { FieldValue } from '../../model/record.ts';
import type { Database } from '../database.ts';

/** What a connector said about the app's webhook. */
interface KeptSubscription {
  readonly id: string;
  readonly expiresAt: string | null;
  readonly state?: { readonly [name: string]: FieldValue };
}

export interface WantedSubscription {
  readonly url: string;
  readonly tables: readonly string[];
  readonly known: KeptSubscription | null;
}

/** Undefined when no table of the connection is read, or nobody outside can reach this machine. */
export async function beginSubscription(
  database: Database,
  connection: number,
): Promise<WantedSubscription | undefined> {
  const [row] = await database<WantedSubscription[]>`
    select * from tideway_private.begin_subscription(${connection})`;
  return row;
}

/** False when the lease is no longer held. */
export async function storeSubscription(
  database: Database,
  connection: number,
  epoch: string,
  { url, tables }: WantedSubscription,
  outcome: { readonly known?: KeptSubscription; readonly problem?: string },
): Promise<boolean> {
  const known = outcome.known === undefined ? null : JSON.stringify(outcome.known);
  const [row] = await database<{ stored: boolean }[]>`
    select tideway_private.store_subscription(${connection}, ${epoch}, ${url}, ${tables},
             ${known}::text::jsonb, ${outcome.problem ?? null}) as stored`;
  return row?.stored ?? false;
}
