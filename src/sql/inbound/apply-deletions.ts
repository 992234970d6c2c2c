import type { Database } from '../database.ts';
import type { PageResult } from './apply-page.ts';

type Deleted = Pick<PageResult, 'stopped' | 'again'> & { readonly done?: number };

/** Carries out deletions that the app confirmed by id, and those that somebody approved. */
export async function applyDeletions(
  database: Database,
  mapping: number,
  run: string | null,
  epoch: string,
  asked: string,
  ids: readonly string[],
): Promise<Deleted> {
  const [row] = await database<{ result: Deleted }[]>`
    select tideway_private.apply_deletions(${mapping}, ${run}, ${epoch}, ${asked}, ${ids}) as result`;
  return row?.result ?? {};
}
