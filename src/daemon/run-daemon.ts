import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { CONNECTORS } from '../connectors/registry.ts';
import { systemRow } from '../connectors/system-row.ts';
import { Follower } from '../follow/follower.ts';
import { openDoor } from '../http/door.ts';
import { createJwks } from '../http/jwks.ts';
import { createServerClock, monotonicClock, type WatchedClock } from '../runtime/clock.ts';
import type { Config } from '../runtime/config.ts';
import { parseEgressAllow } from '../runtime/egress.ts';
import { TidewayError } from '../runtime/errors.ts';
import { createFailpoint } from '../runtime/failpoint.ts';
import { createInvalidator } from '../runtime/invalidator.ts';
import type { Log } from '../runtime/log.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { createNotifier } from '../runtime/notifier.ts';
import { packageVersion } from '../runtime/package-root.ts';
import { readSealKeys } from '../runtime/secrets.ts';
import { storeSystems } from '../sql/connections/store-systems.ts';
import { connectionFault, describeUrl, openDatabase } from '../sql/database.ts';
import { listen } from '../sql/listen.ts';
import { readDate } from '../sql/read-date.ts';
import { readVersion } from '../sql/read-version.ts';
import { storePublicUrl } from '../sql/webhooks/store-public-url.ts';
import { Connections } from './connections.ts';
import { endsInTime } from './ends-in-time.ts';
import { judgeRelease } from './judge-release.ts';
import { keepUp } from './keep-up.ts';
import { openWebhookTarget } from './open-webhook-target.ts';
import { supervise } from './supervise.ts';
import { waitForDatabase } from './wait-for-database.ts';
import { watchDatabase } from './watch-database.ts';

interface Options {
  url: string;
  config: Config;
  environment: NodeJS.ProcessEnv;
  log: Log;
  /** Ends the daemon cleanly. */
  signal: AbortSignal;
  /** Hears where the door is, once everything works. */
  onRunning?: (door: string) => void;
}

/** What is under way at a stop may take this long; then its connections are closed. */
const STOP_WITHIN = 7_000;
const CLOSE_WITHIN = 10_000;
/** Signed requests of apps and people are refused when their sender's clock differs by more than some minutes. */
const CLOCKS_DIFFER = 60_000;

/** Connects, makes sure that code and database fit together, and works until told to stop. */
export async function runDaemon(options: Options): Promise<void> {
  // A database that fell silent is connected to anew, as after a start.
  while ((await connectAndWork(options)) === 'silent') continue;
}

async function connectAndWork({
  url,
  config,
  environment,
  log,
  signal,
  onRunning,
}: Options): Promise<'stopped' | 'silent'> {
  const silence = new AbortController();
  const outgrown = new AbortController();
  const stopping = AbortSignal.any([signal, silence.signal, outgrown.signal]);
  // Every loop hears it.
  setMaxListeners(0, stopping);
  // Leases are renewed here, so nothing that may take long: a burst of pushes must not cost them.
  const database = openDatabase({ url, part: 'control', role: 'tideway_daemon', connections: 2 });
  const pushDatabase = openDatabase({ url, part: 'push', role: 'tideway_daemon', connections: 8 });
  // The follower never waits for a connection that pushes hold.
  const followDatabase = openDatabase({ url, part: 'follow', role: 'tideway_daemon', connections: 3 });
  const pullDatabase = openDatabase({ url, part: 'pull', role: 'tideway_daemon', connections: 6 });
  // A burst of webhooks must not wait for pushes, nor the other way round.
  const httpDatabase = openDatabase({ url, part: 'http', role: 'tideway_daemon', connections: 4 });
  const pools = [database, pushDatabase, followDatabase, pullDatabase, httpDatabase];
  const clock = createServerClock(monotonicClock);
  const owner = `${hostname()}:${String(process.pid)}:${randomBytes(4).toString('hex')}`;
  const failpoint = createFailpoint(environment.TIDEWAY_FAILPOINT);
  const egress = parseEgressAllow(config.TIDEWAY_EGRESS_ALLOW);
  const jwks =
    config.TIDEWAY_JWKS_URL === undefined ? undefined : createJwks({ url: config.TIDEWAY_JWKS_URL, egress, clock });
  const notifier = createNotifier({ url: config.TIDEWAY_NOTIFY_URL, egress, clock, log });
  const metrics = createMetrics({ version: packageVersion });
  const invalidator = createInvalidator({ egress, clock, log });
  try {
    const found = await waitForDatabase(() => firstLook(url, clock), { url, clock, log, signal });
    if (signal.aborted) return 'stopped';
    let release = found?.version;
    requireFittingRelease(release, log);
    const off = clock.time() - Date.now();
    if (Math.abs(off) > CLOCKS_DIFFER) {
      log.warn(
        { event: 'daemon.clock.differs', seconds: Math.round(off / 1000) },
        "This machine's clock is not the server's; Tideway goes by the server's",
      );
    }
    await storeSystems(
      database,
      [...CONNECTORS].map(([system, connector]) => systemRow(system, connector)),
    );
    await storePublicUrl(database, config.TIDEWAY_PUBLIC_URL);
    const keys = readSealKeys(config);
    const connections = new Connections({
      database,
      pushDatabase,
      pullDatabase,
      owner,
      environment,
      keys,
      egress,
      clock,
      log,
      failpoint,
      notifier,
      metrics,
      invalidator,
    });
    const follower = new Follower({
      database: followDatabase,
      replicationUrl: config.TIDEWAY_REPLICATION_URL ?? url,
      slot: config.TIDEWAY_SLOT,
      publication: config.TIDEWAY_PUBLICATION,
      owner,
      clock,
      log,
      failpoint,
      onMarks: (mappings) => connections.push(mappings),
      metrics,
    });
    metrics.ask({ follower: () => follower.status, budgets: () => connections.budgets() });
    const unlisten = await listen(database, 'tideway_requests', () => connections.wakeForConnections());
    const door = await openDoor({
      host: config.TIDEWAY_HTTP_HOST,
      port: config.TIDEWAY_HTTP_PORT,
      slot: config.TIDEWAY_SLOT,
      database: httpDatabase,
      metrics,
      clock,
      log,
      openTarget: (token) => openWebhookTarget(token, { environment, keys, database: httpDatabase }),
      jwt: {
        secret: config.TIDEWAY_JWT_SECRET,
        findKeys: jwks?.find,
        audience: config.TIDEWAY_JWT_AUDIENCE,
        issuer: config.TIDEWAY_JWT_ISSUER,
      },
      open: config.TIDEWAY_HTTP_OPEN,
      origins: config.TIDEWAY_HTTP_ORIGINS,
      rate: config.TIDEWAY_HTTP_RATE,
      patience: config.TIDEWAY_HTTP_WAIT * 1000,
    });
    log.info({ event: 'daemon.process.started', version: packageVersion, http: door.url }, 'Tideway runs');
    onRunning?.(door.url);
    // What was there at the start may be migrated under a daemon that works: then the same rules hold as at a start.
    const onLook = (version: string | undefined): void => {
      if (version === undefined || version === release) return;
      release = version;
      try {
        requireFittingRelease(release, log);
      } catch {
        outgrown.abort();
      }
    };
    const watched = watchDatabase({ url, clock, signal: stopping, onLook }).then((silent) => {
      if (!silent) return;
      log.error({ event: 'daemon.database.silent' }, 'The database has not answered for 30 s; connecting anew');
      silence.abort();
    });
    const work = Promise.all([
      watched,
      supervise('follow', (stop) => follower.run(stop), { clock, log, signal: stopping }),
      supervise('push', (stop) => connections.run(stop), { clock, log, signal: stopping }),
      supervise('upkeep', (stop) => keepUp({ database: pushDatabase, clock, log }, stop), {
        clock,
        log,
        signal: stopping,
      }),
    ]);
    if (!(await endsInTime(work, stopping, () => (silence.signal.aborted ? 0 : STOP_WITHIN), clock))) {
      // What waits for an answer that does not come ends with its connection.
      await Promise.all(pools.map((pool) => pool.end({ timeout: 0 })));
      if (!(await endsInTime(work, stopping, () => CLOSE_WITHIN, clock))) {
        throw new TidewayError('TWC01', 'The database does not answer, and work that waits for it does not end.', {
          where: describeUrl(url),
          mend: 'Start the daemon again. Nothing is lost: what was under way is looked at first.',
        });
      }
    }
    await door.close();
    await unlisten().catch(() => undefined);
    if (silence.signal.aborted && !signal.aborted) return 'silent';
    if (outgrown.signal.aborted) requireFittingRelease(release, log);
    log.info({ event: 'daemon.process.stopped' }, 'Tideway stops');
    return 'stopped';
  } catch (error) {
    throw connectionFault(error, url);
  } finally {
    await Promise.all([jwks?.close(), notifier.close(), invalidator.close()]);
    await Promise.all(pools.map((pool) => pool.end({ timeout: 2 })));
  }
}

async function firstLook(url: string, clock: WatchedClock): Promise<{ version: string | undefined }> {
  const database = openDatabase({ url, part: 'daemon', connections: 1 });
  try {
    // The first answer is late, for the connection has to be made.
    await readDate(database);
    const asked = clock.now();
    const date = await readDate(database);
    clock.see(asked, clock.now(), date);
    return { version: (await readVersion(database))?.version };
  } finally {
    await database.end({ timeout: 5 });
  }
}

function requireFittingRelease(installed: string | undefined, log: Log): void {
  const judgement = judgeRelease(installed, packageVersion);
  if (!judgement.fits) throw new TidewayError('TWVER', judgement.why, { mend: judgement.mend });
  if (judgement.told !== undefined) {
    log.warn({ event: 'daemon.release.behind', version: packageVersion, database: installed }, judgement.told);
  }
}
