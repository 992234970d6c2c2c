import { readdirSync, readFileSync } from 'node:fs';
import type { Pool } from 'pg';

/** What a running Tideway takes up at one moment. */
export interface Usage {
  /** The daemon that works; none while two do, or none. */
  readonly pid: number | undefined;
  /** Megabytes of the daemon, and its open files and sockets; unknown where there is no /proc. */
  readonly memory: number | undefined;
  readonly handles: number | undefined;
  readonly backends: number;
  /** Kilobytes of the outbox and the tables beside it. */
  readonly queues: number;
  /** Of Tideway's own tables. */
  readonly partitions: number;
  /** Kilobytes of the log that the slot keeps. */
  readonly log: number;
}

export interface Growth {
  readonly what: string;
  /** Medians of the first and of the last third, and what the last may be. */
  readonly first: number;
  readonly last: number;
  readonly limit: number;
}

export async function measure(pool: Pool, slot: string, pid: number | undefined): Promise<Usage> {
  const { rows } = await pool.query<Pick<Usage, 'backends' | 'queues' | 'partitions' | 'log'>>(
    `select (select count(*)::integer from pg_stat_activity where datname = current_database() and application_name like 'tideway/%') as backends,
            (select (sum(pg_total_relation_size('tideway_private.' || name)) / 1024)::integer
               from unnest(array['outbox', 'in_flight', 'waiting', 'requests', 'rereads']) as name) as queues,
            (select count(*)::integer from pg_inherits i join pg_class c on c.oid = i.inhparent
              where c.relnamespace in ('tideway'::regnamespace, 'tideway_private'::regnamespace)) as partitions,
            coalesce((select (pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) / 1024)::integer
                        from pg_replication_slots where slot_name = $1), 0) as log`,
    [slot],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('One row was expected.');
  return { ...row, pid, ...(pid === undefined ? { memory: undefined, handles: undefined } : ofProcess(pid)) };
}

function ofProcess(pid: number): Pick<Usage, 'memory' | 'handles'> {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    return { memory: Math.round(Number(kilobytes) / 1024), handles: readdirSync(`/proc/${String(pid)}/fd`).length };
  } catch {
    // It has just been killed.
    return { memory: undefined, handles: undefined };
  }
}

/** A third of fewer says nothing. */
const ENOUGH = 24;

/** Compares the ends of the series; what belongs to one daemon is judged over the one that was seen longest. */
export function growths(usages: readonly Usage[]): Growth[] {
  const pids = usages.flatMap(({ pid }) => pid ?? []);
  const times = new Map(pids.map((pid) => [pid, pids.filter((one) => one === pid).length]));
  const [longest] = [...times].sort(([, a], [, b]) => b - a)[0] ?? [];
  const own = usages.filter(({ pid }) => pid !== undefined && pid === longest);
  return [
    grown(
      'memory of the daemon in MB',
      own.map(({ memory }) => memory),
      50,
    ),
    grown(
      'handles of the daemon',
      own.map(({ handles }) => handles),
      20,
    ),
    grown(
      'connections of the daemon to the database',
      own.map(({ backends }) => backends),
      10,
    ),
    grown(
      'outbox and the tables beside it in kB',
      usages.map(({ queues }) => queues),
      8_192,
    ),
    grown(
      'log that the slot keeps in kB',
      usages.map(({ log }) => log),
      16_384,
    ),
    grown(
      'partitions of its own tables',
      usages.map(({ partitions }) => partitions),
      2,
    ),
  ].flat();
}

function grown(what: string, all: readonly (number | undefined)[], slack: number): Growth[] {
  const values = all.filter((value) => value !== undefined);
  if (values.length < ENOUGH) return [];
  const third = Math.floor(values.length / 3);
  const [first, last] = [median(values.slice(0, third)), median(values.slice(-third))];
  return [{ what, first, last, limit: Math.round(first * 1.5 + slack) }];
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
