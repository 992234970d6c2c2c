import type { TransactionSql } from 'postgres';
import type { Database } from '../database.ts';

export type Session = TransactionSql;

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
  const result = await database.begin(async (session) => {
    // Sent together: when the role is refused, what follows fails with it.
    const acting = session`select tideway_private.act_as(${role}, ${claims})`.execute();
    const [, answer] = await Promise.all([acting, work(session)]);
    return { answer };
  });
  return result.answer;
}
