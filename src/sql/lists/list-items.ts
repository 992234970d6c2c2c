import type { Database } from '../database.ts';

/** An item of the sync list on its way from a record of the source to one of the target. */
export interface ListItem {
  readonly id: string;
  readonly source: number;
  readonly source_id: string;
  readonly target: number;
  readonly target_id: string | null;
  readonly mode: 'delta' | 'full';
  readonly priority: number;
  /** When it was last synced with success. */
  readonly synced_at: string | null;
  /** When it had changed in the source by then, by the source's clock. */
  readonly source_changed_at: string | null;
}

export interface ListItemState {
  readonly id: string;
  readonly status: 'pending' | 'success' | 'failed';
  readonly error: string | null;
  readonly target_id: string | null;
  readonly created: boolean;
  readonly source_changed_at?: string | null;
  /** The source had not changed, so nothing was written. */
  readonly skipped?: boolean;
}

export interface DueListItem {
  readonly id: string;
  readonly schedule: string;
  readonly timezone: string;
  /** When it was last tried, or put on the list; null when an interval has been judged already. */
  readonly since: Date | null;
}

const json = (value: unknown): string => JSON.stringify(value);

/** Gives the items of asked list syncs to the owners of their sources; returns how many were asked. */
export async function spreadListRequests(database: Database): Promise<number> {
  const [row] = await database<{ requests: number }[]>`select tideway_private.spread_list_requests() as requests`;
  return row?.requests ?? 0;
}

/** Has the rows of items looked at by their target mappings. */
export async function pushListItems(database: Database, items: readonly ListItem[]): Promise<void> {
  await database`select tideway_private.push_list_items(${json(items)}::text::jsonb)`;
}

export async function listItemStates(database: Database, items: readonly ListItem[]): Promise<ListItemState[]> {
  return database<ListItemState[]>`
    select * from tideway_private.list_item_states(${json(items)}::text::jsonb)`;
}

/** Writes the results of one part of a list sync; the last part ends the run. */
export async function finishListPart(
  database: Database,
  part: { readonly request: string; readonly run: string | null; readonly readAt: string | null },
  results: readonly ListItemState[],
): Promise<void> {
  const { request, run, readAt } = part;
  await database`select tideway_private.finish_list_part(${request}, ${run}, ${json(results)}::text::jsonb, ${readAt})`;
}

/** Tells items that were still under way when their run ended; returns how many have arrived or failed since. */
export async function settleListItems(database: Database): Promise<number> {
  const [row] = await database<{ items: number }[]>`select tideway_private.settle_list_items() as items`;
  return row?.items ?? 0;
}

/** Items whose interval is over, and all that have a cron schedule. */
export async function dueListItems(database: Database): Promise<DueListItem[]> {
  return database<DueListItem[]>`
    select s.id, s.schedule, o.timezone,
           case when not tideway_private.fits(s.schedule, 'interval')
             then coalesce(tideway_private.last_tried(s), s.created_at) end as since
      from tideway_private.due_list_items() s
      join tideway.organisations o using (org_id)`;
}

/** Starts scheduled syncs: one run for each person whose items are due. */
export async function askListRun(database: Database, ids: readonly string[]): Promise<number> {
  const [row] = await database<{ runs: number }[]>`
    select tideway_private.ask_list_run(${ids}) as runs`;
  return row?.runs ?? 0;
}
