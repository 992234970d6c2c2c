import { answerOf } from './answer-of.ts';
import type { Session } from '../database.ts';

/** What is under way and what ended lately; or only the syncs that are named. */
export function listProgress(session: Session, ids: readonly string[] | null, limit: number): Promise<string> {
  return answerOf(session`
    select coalesce(jsonb_agg(to_jsonb(x) - 'org_id' order by x.updated_at desc, x.sync_id), '[]')::text as answer
      from (select p.* from tideway.sync_progress p
             where ${ids === null}::boolean or p.sync_id = any (${ids ?? []}::text[])
             order by p.completed_at is null desc, p.updated_at desc
             limit ${limit}) x`);
}
