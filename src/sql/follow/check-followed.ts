import type { Database } from '../database.ts';

export interface GuardFindings {
  readonly troubles: readonly { readonly code: string; readonly message: string; readonly mend: string }[];
  /** Keys may have to be read by other columns from now on. */
  readonly changed: boolean;
}

export async function checkFollowed(database: Database, slot: string, publication: string): Promise<GuardFindings> {
  const [row] = await database<{ found: GuardFindings }[]>`
    select tideway_private.check_followed(${slot}, ${publication}) as found`;
  return row?.found ?? { troubles: [], changed: false };
}
