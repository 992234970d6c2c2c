import { judgeRelease } from '../daemon/judge-release.ts';
import { readConfig } from '../runtime/config.ts';
import type { Config } from '../runtime/config.ts';
import { messageOf, TidewayError } from '../runtime/errors.ts';
import { packageVersion } from '../runtime/package-root.ts';
import { readSealKeys, resolveSecret } from '../runtime/secrets.ts';
import { connectionFault, openDatabase } from '../sql/database.ts';
import type { Database } from '../sql/database.ts';
import { readInstallation, readVaultSecret } from '../sql/read-installation.ts';
import type { Installation } from '../sql/read-installation.ts';
import { identifySystem, readServerFacts } from '../sql/read-server-facts.ts';
import { readVersion } from '../sql/read-version.ts';
import { exitCodes, say } from './command.ts';
import type { Command } from './command.ts';
import { examine } from './doctor-checks.ts';
import type { Finding } from './doctor-checks.ts';
import { openTarget } from './open-target.ts';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Examines the server and says what to mend, all at once.',
  usage: 'doctor [--json]',
  options: { json: { type: 'boolean' } },
  about: { json: 'one JSON array instead of lines' },
  words: [0, 0],
  async run({ flags }) {
    const config = readConfig(process.env);
    const target = await openTarget(config);
    const database = openDatabase({ url: target.url, part: 'doctor', connections: 1, pooled: true });
    try {
      const before = Date.now();
      const facts = await readServerFacts(database, config.TIDEWAY_PUBLICATION);
      const here = (before + Date.now()) / 2;
      const release = facts.may_ask_version ? await readVersion(database) : undefined;
      const readable = judgeRelease(release?.version, packageVersion).fits && facts.may_act_as_daemon;
      const installation = readable ? await readInstallation(database, config.TIDEWAY_PUBLICATION) : undefined;
      const findings = examine({
        facts,
        release,
        installation,
        unresolved: await unresolvedSecrets(installation, config, database),
        ownReplicationLogin: config.TIDEWAY_REPLICATION_URL !== undefined,
        publicationName: config.TIDEWAY_PUBLICATION,
        replicationFault: await whyNotReplicating(config.TIDEWAY_REPLICATION_URL ?? target.url),
        publicUrl: config.TIDEWAY_PUBLIC_URL,
        secondsOff: (facts.clock.getTime() - here) / 1000,
      });
      say(flags.json ? JSON.stringify(findings) : findings.map(line).join('\n'));
      return findings.some(({ state }) => state === 'failed') ? exitCodes.failed : exitCodes.done;
    } catch (error) {
      throw connectionFault(error, target.url);
    } finally {
      await database.end({ timeout: 5 });
      await target.close();
    }
  },
};

async function whyNotReplicating(url: string): Promise<string | undefined> {
  try {
    await identifySystem(url);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function unresolvedSecrets(installation: Installation | undefined, config: Config, database: Database) {
  const unresolved = [];
  for (const connection of installation?.connections ?? []) {
    if (connection.secret === null) continue;
    try {
      await resolveSecret(connection.secret, {
        environment: process.env,
        keys: readSealKeys(config),
        vault: (name) => readVaultSecret(database, name),
      });
    } catch (error) {
      const mend = error instanceof TidewayError ? error.mend : undefined;
      unresolved.push({ connection, why: messageOf(error), mend: mend ?? 'Give the secret again: tideway.connect(…)' });
    }
  }
  return unresolved;
}

function line({ check, state, says, mend }: Finding): string {
  const mark = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' }[state];
  return `${mark}  ${check}: ${says}${mend ? `  →  ${mend}` : ''}`;
}
