import type { Database, Session } from '../database.ts';
import { answerOf } from './answer-of.ts';

export function listConnections(session: Session): Promise<string> {
  return answerOf(session`
    select coalesce(jsonb_agg(to_jsonb(x) order by x.name), '[]')::text as answer
      from (select c.id, c.name, c.system, c.state, c.paused_at, c.paused_reason, c.has_secret, c.account, c.tested_at, c.test_error, c.created_at
              from tideway.connections c where c.org_id = tideway.current_org_id()) x`);
}

export async function testConnection(session: Session, connection: string): Promise<string> {
  const [row] = await session<{ id: string }[]>`select tideway.test_connection(${connection}) as id`;
  return row?.id ?? '';
}

export async function discover(session: Session, connection: string): Promise<string> {
  const [row] = await session<{ id: string }[]>`select tideway.discover(${connection}) as id`;
  return row?.id ?? '';
}

/** Whether a request that was made with this id has been carried out. */
export async function isCarriedOut(database: Database, id: string): Promise<boolean> {
  const [row] = await database<{ done: boolean }[]>`
    select not exists (select from tideway_private.requests r where r.run_id = ${id}) as done`;
  return row?.done ?? true;
}

export function testResult(session: Session, connection: string): Promise<string> {
  return answerOf(session`
    select jsonb_build_object('connection', c.name, 'ok', c.test_error is null, 'tested_at', c.tested_at, 'error', c.test_error)::text as answer
      from tideway_private.named_connection(${connection}) c`);
}

export function remoteTables(session: Session, connection: string): Promise<string> {
  return answerOf(session`
    select (select coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'title', t.title, 'read_at', t.read_at, 'missing_since', t.missing_since, 'columns', (
                     select coalesce(jsonb_agg(jsonb_build_object('name', k.name, 'title', k.title, 'type', k.type, 'writable', k.writable, 'required', k.required)
                                               order by k.ordinal, k.name), '[]')
                       from tideway.remote_columns k
                      where k.connection_id = t.connection_id and k.remote_table = t.name and k.missing_since is null)) order by t.name), '[]')
              from tideway.remote_tables t where t.connection_id = c.id)::text as answer
      from tideway_private.named_connection(${connection}) c`);
}
