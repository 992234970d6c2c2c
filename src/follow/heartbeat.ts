import type { ClientBase } from 'pg';

import { parseLsn, type Lsn } from './lsn.ts';

export const heartbeatPrefix = 'tideway.heartbeat';

/** Writes a message into the log that comes back through the stream: it moves an idle slot and proves the round trip. */
export async function emitHeartbeat(client: ClientBase, content: string): Promise<Lsn> {
  const result = await client.query<{ lsn: string }>('select pg_logical_emit_message(false, $1, $2)::text as lsn', [
    heartbeatPrefix,
    content,
  ]);
  return parseLsn(result.rows[0]?.lsn ?? '');
}
