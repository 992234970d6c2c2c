import { answerOf } from './answer-of.ts';
import type { Session } from '../database.ts';

export interface ErrorsWanted {
  readonly mapping: string | null;
  readonly error_class: string | null;
  readonly include_resolved: boolean;
  readonly limit: number;
}

export function listErrors(session: Session, wanted: ErrorsWanted): Promise<string> {
  const { mapping, error_class: kind, include_resolved: all, limit } = wanted;
  return answerOf(session`
    select coalesce(jsonb_agg(to_jsonb(x) - 'org_id' order by x.last_seen_at desc, x.id), '[]')::text as answer
      from (select m.name as mapping, e.*
              from tideway.get_sync_errors(${mapping}, ${kind}, ${all}, ${limit}) e
              left join tideway.mappings m on m.id = e.mapping_id) x`);
}

export function resolveError(session: Session, id: string, notes: string | null): Promise<string> {
  return answerOf(session`select tideway.resolve_sync_error(${id}::uuid, ${notes})::text as answer`);
}

export function retryError(session: Session, id: string): Promise<string> {
  return answerOf(session`select tideway_private.retry_sync_error(${id}::uuid)::text as answer`);
}

export function retryErrors(session: Session, mapping: string | null, errorClass: string | null): Promise<string> {
  return answerOf(session`select tideway.retry_failed_sync(${mapping}, ${errorClass})::text as answer`);
}
