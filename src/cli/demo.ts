import { randomBytes } from 'node:crypto';
import { CONNECTORS } from '../connectors/registry.ts';
import { systemRow } from '../connectors/system-row.ts';
import { readConfig } from '../runtime/config.ts';
import { startEmbeddedPostgres } from '../runtime/embedded-postgres.ts';
import { storeSystems } from '../sql/connections/store-systems.ts';
import { openDatabase } from '../sql/database.ts';
import { takeDemoDatabase } from '../sql/take-demo-database.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { startDemoApp } from './demo-app.ts';
import { demoSteps } from './demo-steps.ts';
import { migrateDatabase } from './migrate-database.ts';
import { currentMigrations } from './migrations.ts';
import { stopSignal, untilStopped } from './stop-signal.ts';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Starts an embedded Postgres and a stand-in app, ties a table to it, and lets you look around.',
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
    const token = randomBytes(16).toString('hex');
    const app = await startDemoApp(token);
    try {
      say(
        `Postgres ${server.reused ? 'runs already' : 'started'} on port ${server.port}, with its data in ${server.directory}.`,
      );
      say(`The stand-in app started on ${app.url}.`);
      const { name, url, release } = await takeDemoDatabase(server.url);
      try {
        say(`The demo has the database ${name} to itself, made anew each time.`);
        await migrateDatabase({ url, current: currentMigrations().length > 0, say });
        await showSteps(url, app.url);
        say(`
Go on by yourself:
  the app         ${app.url}
  the database    psql ${url}

  select * from tideway.validate_mapping('products');
  select * from tideway.explain_mapping('products');
  select name, state, direction from tideway.mappings;`);
        if (!flags.once) {
          say('\nCtrl-C ends the demo.');
          await untilStopped(signal);
        }
      } finally {
        await release();
      }
    } finally {
      await app.stop();
      await server.stop();
    }
    return exitCodes.done;
  },
};

async function showSteps(url: string, appUrl: string): Promise<void> {
  const database = openDatabase({ url, part: 'demo', connections: 1 });
  try {
    await storeSystems(
      database,
      [...CONNECTORS].map(([system, connector]) => systemRow(system, connector)),
    );
    for (const { why, statement } of demoSteps(appUrl)) {
      say(`\n-- ${why}\n${statement}`);
      await database.unsafe(statement).simple();
    }
  } finally {
    await database.end({ timeout: 5 });
  }
}
