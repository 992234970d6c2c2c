import { Client, type ClientConfig } from 'pg';
import { formatLsn, parseLsn, type Lsn } from './lsn.ts';

/**
 * Makes the slot, in place of a lost one too, and returns where it begins. Runs with the login that reads the log,
 * because that one surely may. Two daemons that try at once get one slot.
 */
export async function makeSlot(
  connection: ClientConfig,
  slot: string,
  publication: string,
  signal?: AbortSignal,
): Promise<Lsn> {
  return withClient(connection, signal, async (client) => {
    // Held until the connection closes: else the slower of two daemons could drop what the faster one made.
    await client.query(`select pg_advisory_lock(hashtextextended('tideway slot ' || $1, 0))`, [slot]);
    const { rows: found } = await client.query<{ lost: boolean; confirmed: string }>(
      `select wal_status = 'lost' or to_jsonb(s) ->> 'invalidation_reason' is not null as lost, confirmed_flush_lsn as confirmed
         from pg_replication_slots s where slot_name = $1`,
      [slot],
    );
    if (found[0] && !found[0].lost) return parseLsn(found[0].confirmed);
    if (found[0]) await client.query('select pg_drop_replication_slot($1)', [slot]);
    const { rows: version } = await client.query<{ failover: boolean }>(
      `select current_setting('server_version_num')::int >= 170000 and not pg_is_in_recovery() as failover`,
    );
    const failover = version[0]?.failover === true ? ', failover => true' : '';
    for (;;) {
      const { rows: moment } = await client.query<{ oldest: string }>(
        `select pg_snapshot_xmin(pg_current_snapshot())::xid::text as oldest`,
      );
      const { rows } = await client.query<{ lsn: string }>(
        `select lsn from pg_create_logical_replication_slot($1, 'pgoutput'${failover})`,
        [slot],
      );
      if (!(await isPublishedSince(client, publication, moment[0]?.oldest ?? '0'))) return parseLsn(rows[0]?.lsn ?? '');
      await client.query('select pg_drop_replication_slot($1)', [slot]);
    }
  });
}

/**
 * Whether the publication was changed by a transaction that was under way while a slot was made: the server leaves what
 * such a transaction wrote into the catalogue out of what the slot sees, and says nothing about its tables, for as long as it is read.
 */
async function isPublishedSince(client: Client, publication: string, oldest: string): Promise<boolean> {
  const { rows } = await client.query<{ since: boolean }>(
    `select exists (
       select from pg_publication p
        cross join lateral (
          select p.xmin as made
          union all select r.xmin from pg_publication_rel r where r.prpubid = p.oid
          union all select n.xmin from pg_publication_namespace n where n.pnpubid = p.oid) w
        where p.pubname = $1 and age(w.made) <= age($2::xid)) as since`,
    [publication, oldest],
  );
  return rows[0]?.since === true;
}

/** Leaves a stretch of the log out that can no longer be decoded; returns where the slot stands then. */
export async function skipToNow(connection: ClientConfig, slot: string): Promise<Lsn> {
  return withClient(connection, undefined, async (client) => {
    const { rows } = await client.query<{ lsn: string }>(
      `select end_lsn as lsn from pg_replication_slot_advance($1, pg_current_wal_insert_lsn())`,
      [slot],
    );
    return parseLsn(rows[0]?.lsn ?? formatLsn(0n));
  });
}

async function withClient<Result>(
  connection: ClientConfig,
  signal: AbortSignal | undefined,
  work: (client: Client) => Promise<Result>,
): Promise<Result> {
  const client = new Client({ ...connection, application_name: 'tideway/slot' });
  client.on('error', () => undefined);
  // The server makes no slot before every transaction that runs now has ended, and may not answer at all.
  const giveUp = (): void => void client.connection.stream.destroy();
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    await client.connect();
    return await work(client);
  } finally {
    signal?.removeEventListener('abort', giveUp);
    await client.end().catch(() => undefined);
  }
}
