import { TidewayError } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import { packageVersion } from '../runtime/package-root.ts';
import { connectionFault, openDatabase } from '../sql/database.ts';
import { readVersion } from '../sql/read-version.ts';

interface Options {
  url: string;
  log: Log;
  /** Ends the daemon cleanly. */
  signal: AbortSignal;
}

/** Connects, makes sure that code and database are of one release, and works until told to stop. */
export async function runDaemon({ url, log, signal }: Options): Promise<void> {
  const database = openDatabase({ url, part: 'daemon', role: 'tideway_daemon' });
  try {
    await requireSameRelease(url);
    await database`select 1`;
    log.info({ version: packageVersion }, 'Tideway runs');
    if (!signal.aborted)
      await new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }));
    log.info('Tideway stops');
  } catch (error) {
    throw connectionFault(error, url);
  } finally {
    await database.end({ timeout: 5 });
  }
}

async function requireSameRelease(url: string): Promise<void> {
  const database = openDatabase({ url, part: 'daemon', connections: 1 });
  try {
    const found = await readVersion(database);
    if (found?.version === packageVersion) return;
    throw new TidewayError(
      'TWVER',
      found
        ? `The database holds Tideway ${found.version}; this is Tideway ${packageVersion}.`
        : `The database does not hold Tideway yet; this is Tideway ${packageVersion}.`,
      { mend: 'Run: tideway migrate' },
    );
  } finally {
    await database.end({ timeout: 5 });
  }
}
