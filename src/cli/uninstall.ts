import { readConfig } from '../runtime/config.ts';
import { TidewayError } from '../runtime/errors.ts';
import { connectionFault, openDatabase } from '../sql/database.ts';
import { readLedger } from '../sql/ledger.ts';
import { uninstall } from '../sql/uninstall.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { committedMigrations } from './migrations.ts';
import { openTarget } from './open-target.ts';

export const uninstallCommand: Command = {
  name: 'uninstall',
  summary: 'Drops the replication slot and the publication; with --schema all of Tideway. Your tables stay.',
  usage: 'uninstall [--schema [--cascade]]',
  options: { schema: { type: 'boolean' }, cascade: { type: 'boolean' } },
  about: {
    schema: 'also the schemas, with every mapping, link and log',
    cascade: 'with --schema: also what you built on them, such as views',
  },
  words: [0, 0],
  async run({ flags }) {
    const config = readConfig(process.env);
    const target = await openTarget(config);
    const database = openDatabase({ url: target.url, part: 'cli', connections: 1, pooled: true });
    try {
      const schemas = flags.schema === true;
      const slot = config.TIDEWAY_SLOT;
      const { applied } = await readLedger(database);
      // Somebody else's chain may live in the same ledger.
      const ours = new Set(committedMigrations().map(({ hash }) => hash));
      const ledger = schemas && applied.every(({ hash }) => ours.has(hash));
      const publication = config.TIDEWAY_PUBLICATION;
      const cascade = flags.cascade === true;
      const dropped = await uninstall(database, { slot, publication, schemas, ledger, cascade });
      for (const one of dropped) say(`Dropped ${one}.`);
      if (dropped.length === 0) say('There was nothing to drop.');
      if (schemas) say('The roles tideway_* stay: other databases of the server may use them.');
      return exitCodes.done;
    } catch (error) {
      if (error instanceof TidewayError) throw error;
      throw connectionFault(error, target.url);
    } finally {
      await database.end({ timeout: 5 });
      await target.close();
    }
  },
};
