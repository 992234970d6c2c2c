import type { Fields, RemoteRecord } from '../../model/record.ts';
import type { Database } from '../database.ts';
import type { Asked } from './ask-moment.ts';

export interface PagePart {
  /** Null: read by id, outside of any run. */
  readonly run: string | null;
  readonly asked: Asked;
  /** One JSON object a line. */
  readonly lines: readonly string[];
  /** With the last part of a page only. */
  readonly cursor?: Fields | null;
  readonly complete?: boolean;
}

/** What became of the records of a part; or why none was looked at. */
export interface PageResult {
  readonly stopped?: { readonly code: string; readonly message: string };
  readonly again?: string;
  readonly created?: number;
  readonly updated?: number;
  readonly deleted?: number;
  readonly failed?: number;
  readonly deferred?: number;
  readonly held?: number;
  readonly conflicts?: number;
  /** As their links know them: our own echo, or what was read before. */
  readonly unchanged?: number;
  /** Errors of records by class. */
  readonly classes?: Readonly<Record<string, number>>;
  /** Somebody held rows of the page, and for how long this call held them. */
  readonly busy?: boolean;
  readonly locked_ms?: number;
}

/** Applies records to the table of a mapping; place, links, errors and counts commit with them. */
export async function applyPage(
  database: Database,
  mapping: number,
  epoch: string,
  { run, asked, lines, cursor = null, complete = false }: PagePart,
): Promise<PageResult> {
  const place = cursor === null ? null : JSON.stringify(cursor);
  const [row] = await database<{ result: PageResult }[]>`
    select tideway_private.apply_page(${mapping}, ${run}, ${epoch}, ${asked.asked}, ${asked.asked_at}, ${lines.join('\n')},
                                      ${place}::text::jsonb, ${complete}) as result`;
  return row?.result ?? {};
}

/** A record as `apply_page` reads it. */
export function recordLine({ id, fields, version, position, modifiedAt: modified, problems }: RemoteRecord): string {
  return JSON.stringify({ id, fields, version, position, modified, problems });
}

/** A record that the app itself calls gone. */
export function goneLine(id: string): string {
  return JSON.stringify({ id, deleted: true });
}
