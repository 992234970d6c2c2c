import { readConfig } from '../runtime/config.ts';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { migrateDatabase } from './migrate-database.ts';
import { currentMigrations } from './migrations.ts';
import { stopSignal, untilStopped } from './stop-signal.ts';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Starts an embedded Postgres with Tideway in it, to look around.',
  usage: 'demo [--once]',
  options: { once: { type: 'boolean' } },
  about: { once: 'end by itself instead of waiting for Ctrl-C' },
  words: [0, 0],
  async run({ flags }) {
    const config = readConfig({ ...process.env, DATABASE_URL: undefined });
    const signal = stopSignal();
    const server = await startEmbeddedPostgres({
      directory: config.TIDEWAY_HOME,
      port: config.TIDEWAY_EMBEDDED_PORT,
      say,
    });
    try {
      say(
        `Postgres ${server.reused ? 'runs already' : 'started'} on port ${server.port}, with its data in ${server.directory}.`,
      );
      await migrateDatabase({ url: server.url, current: currentMigrations().length > 0, say });
      say(`\nGo on by yourself:\n  psql ${server.url}\n  select * from tideway.version();`);
      if (!flags.once) {
        say('\nCtrl-C ends the demo.');
        await untilStopped(signal);
      }
    } finally {
      await server.stop();
    }
    return exitCodes.done;
  },
};
