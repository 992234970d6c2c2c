import { readConfig } from '../runtime/config.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { migrateDatabase } from './migrate-database.ts';
import { currentMigrations } from './migrations.ts';
import { openTarget } from './open-target.ts';
import { printSql } from './print-sql.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Brings the database to this release; safe from several machines at once.',
  usage: 'migrate [--print] [--current]',
  options: { print: { type: 'boolean' }, current: { type: 'boolean' } },
  about: {
    print: 'write all of it as plain SQL instead, for a migration chain of your own',
    current:
      'also what db/migrations/current holds; by itself in a build between two releases, where it holds something',
  },
  words: [0, 0],
  async run({ flags }) {
    // Between two releases db/source needs what is still being written.
    const current = flags.current === true || currentMigrations().length > 0;
    if (flags.print) {
      process.stdout.write(printSql(current));
      return exitCodes.done;
    }
    const target = await openTarget(readConfig(process.env));
    try {
      await migrateDatabase({ url: target.url, current, say });
    } finally {
      await target.close();
    }
    return exitCodes.done;
  },
};
