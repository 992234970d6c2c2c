import { TidewayError } from '../runtime/errors.ts';
import type { Database } from './database.ts';

interface Options {
  slot: string;
  publication: string;
  schemas: boolean;
  /** Also the ledger of migrations, when nobody else keeps his there. */
  ledger: boolean;
}

/** Takes away what holds the log back and, when asked, everything else. Returns what was dropped. */
export async function uninstall(
  database: Database,
  { slot, publication, schemas, ledger }: Options,
): Promise<string[]> {
  const dropped: string[] = [];
  const [held] = await database<{ active: boolean; active_pid: number | null }[]>`
    select active, active_pid from pg_replication_slots where slot_name = ${slot} and database = current_database()`;
  if (held?.active) {
    throw new TidewayError('TWU01', `The replication slot ${slot} is in use by process ${held.active_pid}.`, {
      mend: 'Stop the daemon first. Nothing was dropped.',
    });
  }
  if (held) {
    await database`select pg_drop_replication_slot(${slot})`;
    dropped.push(`replication slot ${slot}`);
  }
  const published = await database`select from pg_publication where pubname = ${publication}`;
  if (published.length > 0) {
    await database`drop publication ${database(publication)}`;
    dropped.push(`publication ${publication}`);
  }
  if (schemas) {
    // Triggers on the user's own tables depend on our functions and go with them.
    await database`drop schema if exists tideway, tideway_private cascade`;
    dropped.push('schemas tideway and tideway_private');
  }
  if (ledger) {
    await database`drop schema if exists graphile_migrate cascade`;
    dropped.push('schema graphile_migrate');
  }
  return dropped;
}
