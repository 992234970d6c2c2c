import { answerOf } from './answer-of.ts';
import type { Session } from '../database.ts';

export function listConflicts(session: Session, mapping: string | null, limit: number): Promise<string> {
  return answerOf(session`
    select coalesce(jsonb_agg(to_jsonb(x) - 'org_id' order by x.detected_at desc, x.id), '[]')::text as answer
      from (select c.* from tideway.open_conflicts c
             where ${mapping}::text is null or c.mapping = (tideway_private.named_mapping(${mapping})).name
             order by c.detected_at desc, c.id
             limit ${limit}) x`);
}

/** `value` is JSON text. The answer is null when there is no such conflict. */
export function resolveConflict(session: Session, id: string, choice: string, value: string | null): Promise<string> {
  return answerOf(session`
    select case when exists (select from tideway.conflicts c where c.id = ${id}::uuid)
             then tideway.resolve_conflict(${id}::uuid, ${choice}, ${value}::text::jsonb) end::text as answer`);
}
