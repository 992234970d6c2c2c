import type { Database } from '../database.ts';

export async function emitHeartbeat(database: Database, content: string): Promise<void> {
  await database`select tideway_private.emit_heartbeat(${content})`;
}
