import type { Database } from '../database.ts';

/** Either the links whose creates must not be sent, or the position to come again with. */
export type CreateProof = { readonly withdrawn: readonly string[] } | { readonly since: string };

export async function proveCreates(
  database: Database,
  batch: string,
  epoch: string,
  links: readonly string[],
  { since, giveUp }: { readonly since: string | null; readonly giveUp: boolean },
): Promise<CreateProof> {
  const [row] = await database<{ proof: CreateProof }[]>`
    select tideway_private.prove_creates(${batch}, ${epoch}, ${links}::bigint[], ${since}::pg_lsn, ${giveUp}) as proof`;
  return row?.proof ?? { withdrawn: [] };
}
