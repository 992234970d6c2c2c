import type { Database } from './database.ts';

/** Calls back on every NOTIFY of a channel, and once after each reconnection, when some may have been missed. */
export async function listen(
  database: Database,
  channel: string,
  onNotify: (payload: string) => void,
): Promise<() => Promise<void>> {
  const listening = await database.listen(channel, onNotify, () => onNotify(''));
  return () => listening.unlisten();
}
