import { setFlagsFromString } from 'node:v8';
import { runDaemon } from '../daemon/run-daemon.ts';
import { readConfig } from '../runtime/config.ts';
import { createLog } from '../runtime/log.ts';
import { exitCodes, hint } from './command.ts';
import type { Command } from './command.ts';
import { migrateDatabase } from './migrate-database.ts';
import { currentMigrations } from './migrations.ts';
import { openTarget } from './open-target.ts';
import { stopSignal } from './stop-signal.ts';

const LINGER = 500;

export const startCommand: Command = {
  name: 'start',
  summary: 'Runs the daemon until it is told to stop.',
  usage: 'start',
  options: {},
  about: {},
  words: [0, 0],
  async run() {
    // Garbage of a long stream would otherwise pile up to several times of what is alive before V8 looks.
    setFlagsFromString('--heap-growing-percent=30');
    const config = readConfig(process.env);
    const log = createLog({ level: config.TIDEWAY_LOG_LEVEL, format: config.TIDEWAY_LOG_FORMAT });
    const signal = stopSignal();
    const target = await openTarget(config);
    try {
      // Nobody else looks after the embedded database; one's own is migrated only when asked.
      if (target.embedded) {
        await migrateDatabase({ url: target.url, current: currentMigrations().length > 0, say: hint });
      }
      await runDaemon({ url: target.url, config, environment: process.env, log, signal });
    } finally {
      await target.close();
      // A socket whose other end is gone would keep the process for a quarter of an hour.
      setTimeout(() => process.exit(), LINGER).unref();
    }
    return exitCodes.done;
  },
};
