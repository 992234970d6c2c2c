import { CONNECTORS } from '../connectors/registry.ts';
import type { OwnedConnection } from '../connectors/owned-connection.ts';
import type { Connector, Session } from '../connectors/connector.ts';
import { Fault } from '../model/fault.ts';
import type { ServerClock } from '../runtime/clock.ts';
import type { EgressRules } from '../runtime/egress.ts';
import { createHttpClient, type Exchange } from '../runtime/http-client.ts';
import { createMemory } from '../runtime/memory.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { createLimiter, type Lane } from '../runtime/rate-limit.ts';
import { openSecret, resolveSecret, sealSecret, type SealKey } from '../runtime/secrets.ts';
import type { ConnectionRow } from '../sql/connections/daemon-connections.ts';
import { readVaultSecret } from '../sql/connections/read-vault-secret.ts';
import { loadToken, storeToken } from '../sql/connections/tokens.ts';
import type { Database } from '../sql/database.ts';
import type { Lease } from './lease.ts';
import type { SharedBudgets } from './shared-budgets.ts';

export interface Access {
  readonly connector: Connector<unknown>;
  readonly settings: unknown;
  readonly secret: string | null;
}

export interface AccessSources {
  readonly environment: NodeJS.ProcessEnv;
  readonly keys: readonly SealKey[];
  readonly database: Database;
}

/** Settings and secret of a connection, checked; throws what a person can mend. */
export async function openAccess(
  row: Pick<ConnectionRow, 'system' | 'config' | 'secret'>,
  { environment, keys, database }: AccessSources,
): Promise<Access> {
  const connector = CONNECTORS.get(row.system);
  if (connector === undefined) {
    throw new Fault('SETTINGS_INVALID', `This release of Tideway has no connector for "${row.system}".`);
  }
  const parsed = connector.describe().settings.safeParse(row.config);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Fault(
      'SETTINGS_INVALID',
      `The settings are wrong at "${issue?.path.join('.') ?? ''}": ${issue?.message ?? ''}`,
    );
  }
  const vault = (name: string): Promise<string | undefined> => readVaultSecret(database, name);
  const secret = row.secret === null ? null : await resolveSecret(row.secret, { environment, keys, vault });
  return { connector, settings: parsed.data, secret };
}

export interface OwnOptions {
  readonly row: ConnectionRow;
  readonly access: Access;
  readonly lease: Lease;
  readonly database: Database;
  readonly egress: EgressRules;
  readonly keys: readonly SealKey[];
  readonly clock: ServerClock;
  readonly budgets: SharedBudgets;
  readonly metrics: Metrics;
  readonly stopping: AbortSignal;
  /** Ends requests that are under way. */
  readonly hard: AbortSignal;
}

/** Puts together what the workers of one connection share. */
export function ownConnection(options: OwnOptions): { owned: OwnedConnection; close: () => Promise<void> } {
  const { row, access, lease, database, egress, keys, clock, budgets, metrics, stopping, hard } = options;
  const { connector, settings, secret } = access;
  const { rates, sharedRates } = connector.describe(settings).limits;
  const limiter = createLimiter(rates, clock, budgets.of(row.system, secret, sharedRates));
  const secrets = secret === null ? [] : [secret];
  // Only the owner writes tokens, so what it has read or written stays true while it owns the connection.
  const known = new Map<string, string | null>();
  const learn = (name: string, value: string | null): string | null => {
    known.set(name, value);
    if (value !== null) secrets.push(value);
    return value;
  };
  const tokens: Session<unknown>['tokens'] = {
    load: async (name) => {
      const remembered = known.get(name);
      if (remembered !== undefined) return remembered;
      const sealed = await loadToken(database, row.number, name);
      return learn(name, sealed === null ? null : openSecret(sealed, keys));
    },
    store: async (name, value) => {
      if (!(await storeToken(database, row.number, lease.epoch, name, sealSecret(value, keys)))) {
        throw new Fault('CONNECTION_LOST', 'Another daemon owns the connection by now; its token was not stored.');
      }
      learn(name, value);
    },
  };
  const clients = (['push', 'pull'] as const).map((lane) =>
    createHttpClient({
      origins: connector.origins(settings),
      secrets,
      egress,
      lane,
      limiter,
      signal: hard,
      onExchange: (exchange) => countExchange(metrics, { connection: row.label, system: row.system }, exchange),
      // A request may have waited long for its turn: the lease is looked at right before it leaves.
      failpoint: (place) => {
        if (place === 'http.before_send') lease.assertHeld();
      },
    }),
  );
  const memory = createMemory(clock.now);
  const sessions = clients.map((http): Session<unknown> => ({
    settings,
    secret,
    http,
    tokens,
    memory,
    now: clock.time,
    signal: hard,
  }));
  return {
    owned: {
      number: row.number,
      name: row.name,
      system: row.system,
      label: row.label,
      connector,
      settings,
      lease,
      budgetLeft: () => limiter.left(),
      session: (lane: Lane) => sessions[lane === 'push' ? 0 : 1] as Session<unknown>,
      stopping,
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

/** Few words for the many statuses there are. */
function countExchange(
  metrics: Metrics,
  account: { readonly connection: string; readonly system: string },
  { lane, outcome, milliseconds, waited }: Exchange,
): void {
  const told =
    typeof outcome === 'string' || [401, 403, 404, 409, 429].includes(outcome)
      ? String(outcome)
      : `${String(Math.floor(outcome / 100))}xx`;
  metrics.appRequests.inc({ ...account, lane, outcome: told });
  metrics.appRequestDuration.observe({ ...account, lane }, milliseconds / 1000);
  metrics.rateLimitWait.observe({ ...account, lane }, waited / 1000);
}
