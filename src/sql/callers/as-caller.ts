import type { Database, Session } from '../database.ts';

export interface ActsAs {
  readonly role: string;
  /** JSON, for `request.jwt.claims`. */
  readonly claims: string;
}

/** One transaction in which row-level security sees the caller and not the daemon. */
export async function asCaller<Result>(
  database: Database,
  { role, claims }: ActsAs,
  work: (session: Session) => Promise<Result>,
): Promise<Result> {
  return database.begin(async (session) => {
    await session`select tideway_private.act_as(${role}, ${claims})`;
    return work(session);
  });
}
