import type { Database } from '../database.ts';

export interface Asked {
  readonly asked: string;
  readonly asked_at: string;
}

/** Taken before a read request starts: only what was asked for later may settle what was written before. */
export async function askMoment(database: Database): Promise<Asked> {
  const [row] = await database<Asked[]>`
    select asked::text, asked_at::text from tideway_private.ask_moment()`;
  if (row === undefined) throw new Error('The database gave no moment.');
  return row;
}
