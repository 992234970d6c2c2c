import type { Database } from '../database.ts';

export interface Request {
  readonly id: string;
  readonly kind: string;
  readonly mapping: number | null;
  readonly args: Readonly<Record<string, unknown>>;
  readonly run_id: string | null;
}

/** Carries out what SQL can do alone and returns what needs the app: the requests that read, or the others. */
export async function takeRequests(
  database: Database,
  connection: number,
  epoch: string,
  room: 'reads' | 'writes',
): Promise<Request[]> {
  return database<Request[]>`
    select id::text, kind, mapping, args, run_id from tideway_private.take_requests(${connection}, ${epoch}, ${room === 'reads'})`;
}
