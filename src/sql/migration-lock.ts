import type { Database } from './database.ts';

/** Runs the work while no other machine migrates the same database. */
export async function withMigrationLock<Result>(
  database: Database,
  onWait: () => void,
  work: () => Promise<Result>,
): Promise<Result> {
  return database.reserve(async (session) => {
    const [first] = await session<{ locked: boolean }[]>`
      select pg_try_advisory_lock(hashtextextended('tideway migrate', 0)) as locked`;
    if (!first?.locked) {
      onWait();
      await session`select pg_advisory_lock(hashtextextended('tideway migrate', 0))`;
    }
    try {
      return await work();
    } finally {
      await session`select pg_advisory_unlock(hashtextextended('tideway migrate', 0))`;
    }
  });
}
