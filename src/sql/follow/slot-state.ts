import type { Database } from '../database.ts';

export interface SlotState {
  readonly exists: boolean;
  /** Of this database and for pgoutput; null without a slot. */
  readonly usable: boolean | null;
  readonly lost: boolean;
  readonly active: boolean;
  readonly confirmed: string | null;
  readonly stored: string | null;
  /** Whether a position was ever stored. */
  readonly known: boolean;
}

export async function slotState(database: Database, slot: string): Promise<SlotState> {
  const [row] = await database<SlotState[]>`select * from tideway_private.slot_state(${slot})`;
  if (row === undefined) throw new Error('The database told nothing about its slots.');
  return row;
}
