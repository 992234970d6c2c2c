import { TidewayError } from '../runtime/errors.ts';
import type { Database } from './database.ts';

/** Reads a view, or calls a function with texts, of schema tideway. */
export async function callPublic(
  database: Database,
  name: string,
  values: readonly string[],
): Promise<Record<string, unknown>[]> {
  const [found] = await database<{ view: boolean; function: boolean }[]>`
    select to_regclass(${name}) is not null as view,
           exists (select from pg_proc where pronamespace::regnamespace || '.' || proname = ${name}) as function`;
  if (found?.function) {
    const places = values.map((_, index) => `$${index + 1}`).join(', ');
    return await database.unsafe(`select * from ${name}(${places})`, [...values]);
  }
  if (found?.view) return await database.unsafe(`select * from ${name}`);
  throw new TidewayError('TWC03', `The database has no ${name}.`, { mend: 'Run: tideway migrate' });
}
