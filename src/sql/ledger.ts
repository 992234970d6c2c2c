import type { Database } from './database.ts';

export interface Ledger {
  /** Rows of graphile_migrate.migrations, oldest first. */
  applied: { filename: string; hash: string }[];
  /** Whether somebody keeps a chain there and it cannot be ours. */
  foreign: boolean;
  release: { version: string; source_hash: string } | undefined;
}

/** What the database knows about migrations that ran in it. */
export async function readLedger(database: Database): Promise<Ledger> {
  const [present] = await database<{ chain: boolean; current: boolean; release: boolean }[]>`
    select to_regclass('graphile_migrate.migrations') is not null as chain,
           to_regclass('graphile_migrate.current') is not null as current,
           to_regclass('tideway_private.release') is not null as release`;
  const applied = present?.chain
    ? await database<{ filename: string; hash: string }[]>`
        select filename, hash from graphile_migrate.migrations order by filename`
    : [];
  const current = present?.current
    ? await database`select from graphile_migrate.current where content is not null and content <> ''`
    : [];
  const release = present?.release
    ? await database<{ version: string; source_hash: string }[]>`
        select version, source_hash from tideway_private.release order by id desc limit 1`
    : [];
  return {
    applied: [...applied],
    foreign: !present?.release && (applied.length > 0 || current.length > 0),
    release: release[0],
  };
}
