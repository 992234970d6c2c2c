import { answerOf } from './answer-of.ts';
import type { Session } from '../database.ts';

export function listMappings(session: Session): Promise<string> {
  return answerOf(session`
    select coalesce(jsonb_agg(to_jsonb(s) order by s.mapping), '[]')::text as answer from tideway.mapping_status s`);
}

export function mappingStatus(session: Session, mapping: string): Promise<string> {
  return answerOf(session`
    select (select to_jsonb(s) from tideway.mapping_status s where s.mapping_id = m.id)::text as answer
      from tideway_private.named_mapping(${mapping}) m`);
}

export function validateMapping(session: Session, mapping: string): Promise<string> {
  return answerOf(session`
    select jsonb_build_object('valid', count(*) filter (where v.severity = 'error') = 0, 'problems', coalesce(jsonb_agg(to_jsonb(v)), '[]'))::text as answer
      from tideway.validate_mapping(${mapping}) v`);
}

export interface Preview {
  readonly run: string;
  /** JSON text; null while nothing is known. */
  readonly answer: string | null;
}

export async function preview(session: Session, mapping: string): Promise<Preview> {
  const [row] = await session<Preview[]>`
    select p.run_id as run, case when p.delta is not null then
             jsonb_build_object('sync_run_id', p.run_id, 'computed_at', p.computed_at, 'expires_at', p.expires_at, 'delta', p.delta)::text end as answer
      from tideway.preview(${mapping}) p`;
  return row as Preview;
}
