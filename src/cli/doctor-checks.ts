import { judgeRelease } from '../daemon/judge-release.ts';
import { packageVersion } from '../runtime/package-root.ts';
import type { Version } from '../sql/read-version.ts';
import type { ConnectionState, Installation } from '../sql/read-installation.ts';
import type { ServerFacts } from '../sql/read-server-facts.ts';

export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'failed';
  says: string;
  /** A command or SQL to paste. */
  mend?: string;
}

export interface Observed {
  facts: ServerFacts;
  release: Version | undefined;
  /** Nothing while the schema is missing or may not be read. */
  installation: Installation | undefined;
  /** Connections whose secret cannot be had, and why. */
  unresolved: { connection: ConnectionState; why: string; mend: string }[];
  publicationName: string;
  /** Whether the log is read with a login of its own. */
  ownReplicationLogin: boolean;
  /** Why the log could not be read over the connection, if so. */
  replicationFault: string | undefined;
  secondsOff: number;
  /** How apps reach this machine, where they do. */
  publicUrl: string | undefined;
}

type Verdict = Omit<Finding, 'check'>;

/** Every check looks at the same observation, so all of them speak at once. */
const checks: Record<string, (seen: Observed) => Verdict | Verdict[]> = {
  'server version': ({ facts }) =>
    facts.version_number >= 150000
      ? ok(`PostgreSQL ${facts.version}`)
      : failed(`PostgreSQL ${facts.version} is older than 15`, 'Upgrade the server to PostgreSQL 15, 16, 17 or 18.'),

  wal_level: ({ facts }) =>
    facts.wal_level === 'logical'
      ? ok('wal_level is logical')
      : failed(
          `wal_level is ${facts.wal_level}, so changes cannot be followed`,
          setting(facts, 'wal_level', 'logical', true),
        ),

  'replication slots': ({ facts }) =>
    facts.free_slots > 0
      ? ok(`${facts.free_slots} of ${facts.max_slots} slots free`)
      : failed(
          `all ${facts.max_slots} replication slots are taken`,
          setting(facts, 'max_replication_slots', `${facts.max_slots + 5}`, true),
        ),

  'wal senders': ({ facts }) =>
    facts.free_senders > 0
      ? ok(`${facts.free_senders} of ${facts.max_senders} senders free`)
      : failed(
          `all ${facts.max_senders} wal senders are taken`,
          setting(facts, 'max_wal_senders', `${facts.max_senders + 5}`, true),
        ),

  max_slot_wal_keep_size: ({ facts }) =>
    facts.slot_keep_mb >= 0
      ? ok(`a stopped daemon holds back at most ${facts.slot_keep_mb} MB of log`)
      : warning(
          'has no limit: a stopped daemon can fill the disk',
          setting(facts, 'max_slot_wal_keep_size', '10GB', false),
        ),

  wal_sender_timeout: ({ facts }) =>
    facts.sender_timeout_ms === 0 || facts.sender_timeout_ms >= 10_000
      ? ok(facts.sender_timeout_ms === 0 ? 'is off' : `is ${facts.sender_timeout_ms / 1000} s`)
      : warning(`is only ${facts.sender_timeout_ms} ms`, setting(facts, 'wal_sender_timeout', '60s', false)),

  idle_replication_slot_timeout: ({ facts }) =>
    facts.idle_slot_timeout_s === null || facts.idle_slot_timeout_s === 0
      ? ok('no slot is lost by waiting')
      : warning(
          `a slot that rests for ${facts.idle_slot_timeout_s} s is thrown away`,
          setting(facts, 'idle_replication_slot_timeout', '0', false),
        ),

  'role rights': ({ facts, installation, ownReplicationLogin }) => {
    const missing: Verdict[] = [];
    if (!facts.may_replicate && !ownReplicationLogin) {
      missing.push(failed(`${facts.login} may not read the log`, grantReplication(facts)));
    }
    if (facts.installed && !facts.may_act_as_daemon) {
      missing.push(
        failed(`${facts.login} may not act as tideway_daemon`, `grant tideway_daemon to ${quoted(facts.login)};`),
      );
    }
    for (const { role, exists, stands } of installation?.runners ?? []) {
      if (!exists) {
        missing.push(
          failed(
            `mappings run as ${role}, a role that is gone`,
            `create role ${quoted(role)}; -- or map them again as another role`,
          ),
        );
      } else if (!stands) {
        missing.push(
          failed(
            `the function of schema tideway_run through which mappings run as ${role} is missing or was changed`,
            `select tideway_private.ensure_runner(${literal(role)});`,
          ),
        );
      }
    }
    return missing.length > 0 ? missing : ok(`${facts.login} has what the daemon needs`);
  },

  'direct connection': ({ facts, replicationFault }) =>
    replicationFault === undefined
      ? ok('the log can be read over this connection')
      : failed(`the log cannot be read over this connection: ${replicationFault}`, direct(facts)),

  publication: ({ facts, installation, publicationName }) => {
    const name = quoted(publicationName);
    const absent = installation?.unpublished ?? [];
    if (!facts.publication) {
      return absent.length === 0
        ? ok(`${publicationName} does not exist yet; the first mapping makes it`)
        : failed(
            `${publicationName} does not exist, so changes of ${absent.join(', ')} are not seen`,
            `create publication ${name} for table ${absent.join(', ')} with (publish_via_partition_root);`,
          );
    }
    const wrong: Verdict[] = [];
    if (absent.length > 0) {
      wrong.push(
        failed(
          `changes of ${absent.join(', ')} are not seen: not in ${publicationName}`,
          `alter publication ${name} add table ${absent.join(', ')};`,
        ),
      );
    }
    if (!facts.publication.complete) {
      wrong.push(
        failed(
          `${publicationName} leaves some kinds of changes out`,
          `alter publication ${name} set (publish = 'insert, update, delete, truncate');`,
        ),
      );
    }
    if (!facts.publication.via_root) {
      wrong.push(
        failed(
          `${publicationName} names partitions instead of their table`,
          `alter publication ${name} set (publish_via_partition_root = true);`,
        ),
      );
    }
    for (const { name: table } of facts.published.filter(({ whole }) => !whole)) {
      wrong.push(
        failed(
          `${publicationName} holds only some columns or rows of ${table}`,
          `alter publication ${name} drop table ${table}; alter publication ${name} add table ${table};`,
        ),
      );
    }
    return wrong.length > 0
      ? wrong
      : ok(`${publicationName} holds ${facts.published.length === 1 ? '1 table' : `${facts.published.length} tables`}`);
  },

  'tables without a key': ({ facts }) => {
    const bare = facts.published.filter(({ key, identity }) => !key && identity !== 'f' && identity !== 'i');
    return bare.length === 0
      ? ok('every published table has a key')
      : failed(
          `updates and deletes of ${list(bare)} fail`,
          bare.map(({ name }) => `alter table ${name} add primary key (…);`).join(' '),
        );
  },

  'replica identity': ({ facts }) => {
    const silent = facts.published.filter(({ identity }) => identity === 'n');
    return silent.length === 0
      ? ok('updates and deletes name their row')
      : failed(
          `updates of ${list(silent)} do not name their row`,
          silent.map(({ name }) => `alter table ${name} replica identity default;`).join(' '),
        );
  },

  clock: ({ secondsOff }) =>
    Math.abs(secondsOff) < 5
      ? ok('this machine and the server agree on the time')
      : warning(`the server is ${secondsOff.toFixed(0)} s off this machine`, 'timedatectl set-ntp true'),

  'schema version': ({ facts, release }) => {
    if (facts.installed && !facts.may_ask_version) {
      return warning(`${facts.login} may not ask for it`, `grant tideway_daemon to ${quoted(facts.login)};`);
    }
    if (!release) return failed('the database does not hold Tideway yet', 'tideway migrate');
    const judgement = judgeRelease(release.version, packageVersion);
    if (!judgement.fits) return failed(judgement.why, judgement.mend);
    return judgement.told === undefined
      ? ok(`Tideway ${release.version}`)
      : warning(judgement.told, `npm install --global tideway@${release.version}`);
  },

  secrets: ({ installation, unresolved }) => {
    if (unresolved.length > 0) {
      return unresolved.map(({ connection, why, mend }) => failed(`${title(connection)}: ${why}`, mend));
    }
    const count = installation?.connections.filter(({ secret }) => secret !== null).length ?? 0;
    return ok(`${count} of ${count} can be had here`);
  },

  connections: ({ installation }) => {
    const all = installation?.connections ?? [];
    const wrong = all.flatMap((connection) => judgeConnection(connection));
    return wrong.length > 0 ? wrong : ok(`${all.length} of ${all.length} answered their last test`);
  },

  reads: ({ installation }) => {
    const late = installation?.overdue ?? [];
    return late.length === 0
      ? ok('no mapping waits to be read')
      : warning(`${late.join(', ')} should have been read minutes ago; no daemon works for them`, 'tideway start');
  },

  webhooks: ({ publicUrl }) =>
    ok(
      publicUrl === undefined
        ? 'TIDEWAY_PUBLIC_URL is not set, so no app can ring; polls go on'
        : `apps ring at ${publicUrl}`,
    ),
};

export function examine(seen: Observed): Finding[] {
  return Object.entries(checks).flatMap(([check, judge]) =>
    [judge(seen)].flat().map((verdict) => ({ check, ...verdict })),
  );
}

function judgeConnection(connection: ConnectionState): Verdict[] {
  const test = `select tideway.test_connection(${literal(connection.name)});`;
  if (connection.test_error) return [failed(`${title(connection)}: ${connection.test_error}`, test)];
  if (connection.state !== 'active') {
    return [
      warning(
        `${title(connection)} is ${connection.state}: ${connection.paused_reason ?? 'no reason was given'}`,
        `select tideway.resume_connection(${literal(connection.name)});`,
      ),
    ];
  }
  return connection.tested ? [] : [warning(`${title(connection)} was never tested`, test)];
}

function title({ name, org_id }: ConnectionState): string {
  return org_id === 'default' ? name : `${name} of ${org_id}`;
}

function ok(says: string): Verdict {
  return { state: 'ok', says };
}

function warning(says: string, mend: string): Verdict {
  return { state: 'warning', says, mend };
}

function failed(says: string, mend: string): Verdict {
  return { state: 'failed', says, mend };
}

function setting({ provider }: ServerFacts, name: string, value: string, restart: boolean): string {
  if (provider === 'supabase') {
    return `supabase --experimental postgres-config update --config ${name}=${value} (project settings)`;
  }
  if (provider === 'rds') {
    return name === 'wal_level'
      ? 'Set rds.logical_replication = 1 in the parameter group of the instance and reboot it.'
      : `Set ${name} = ${value} in the parameter group of the instance${restart ? ' and reboot it' : ''}.`;
  }
  if (provider === 'cloudsql') {
    const flag = name === 'wal_level' ? 'cloudsql.logical_decoding=on' : `${name}=${value}`;
    return `gcloud sql instances patch INSTANCE --database-flags=${flag} (name the other flags too: this replaces them)`;
  }
  return `alter system set ${name} = '${value}'; ${restart ? '-- then restart the server' : 'select pg_reload_conf();'}`;
}

function grantReplication({ provider, login }: ServerFacts): string {
  if (provider === 'rds') return `grant rds_replication to ${quoted(login)};`;
  return `alter role ${quoted(login)} replication;`;
}

function direct({ provider }: ServerFacts): string {
  const direct = 'Set TIDEWAY_REPLICATION_URL to a direct connection';
  if (provider === 'supabase') return `${direct}: db.PROJECT.supabase.co:5432, not the pooler on port 6543.`;
  if (provider === 'rds') return `${direct}: the endpoint of the instance, not that of RDS Proxy.`;
  return `${direct}, not to a pooler.`;
}

function list(tables: readonly { name: string }[]): string {
  return tables.map(({ name }) => name).join(', ');
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}
