import { readConfig } from '../runtime/config.ts';
import { messageOf, TidewayError } from '../runtime/errors.ts';
import { connectionFault, describeUrl, openDatabase, type Database } from '../sql/database.ts';
import { openTarget } from './open-target.ts';

/** Work with the database of the configuration; what it refuses is told with what to do. */
export async function withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
  const target = await openTarget(readConfig(process.env));
  const database = openDatabase({ url: target.url, part: 'cli', connections: 1, pooled: true });
  try {
    return await work(database);
  } catch (error) {
    const fault = connectionFault(error, target.url);
    if (fault instanceof TidewayError) throw fault;
    const { code, hint } = error as { code?: string; hint?: string };
    throw new TidewayError(code?.startsWith('TW') ? code : 'TWC04', messageOf(error), {
      where: describeUrl(target.url),
      ...(hint ? { mend: hint } : {}),
      cause: error,
    });
  } finally {
    await database.end({ timeout: 5 });
    await target.close();
  }
}
