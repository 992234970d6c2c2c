import { setTimeout as pause } from 'node:timers/promises';
import { escapeIdentifier, type Client } from 'pg';
import type { Database } from './database.ts';

const TRY_AGAIN_AFTER = 500;

/** Calls back on every NOTIFY of a channel, and once after each connection, when some may have been missed. */
export async function listen(
  database: Database,
  channel: string,
  onNotify: (payload: string) => void,
): Promise<() => Promise<void>> {
  const stopped = new AbortController();
  let client: Client | undefined;
  const open = async (): Promise<void> => {
    const made = await database.connectApart();
    // Nobody would end what was still connecting at the stop.
    if (stopped.signal.aborted) return made.end();
    client = made;
    made.on('notification', ({ payload }) => onNotify(payload ?? ''));
    made.once('end', () => void openAgain());
    await made.query(`listen ${escapeIdentifier(channel)}`);
    onNotify('');
  };
  const openAgain = async (): Promise<void> => {
    await pause(TRY_AGAIN_AFTER, undefined, { signal: stopped.signal, ref: false }).catch(() => undefined);
    // A connection that was made and lost again has its own end to go on from.
    const before = client;
    if (!stopped.signal.aborted) await open().catch(() => (client === before ? openAgain() : undefined));
  };
  await open();
  return async () => {
    stopped.abort();
    await client?.end();
  };
}
