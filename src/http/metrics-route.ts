import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../runtime/clock.ts';
import { messageOf } from '../runtime/errors.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import type { Database } from '../sql/database.ts';
import { hasOneOrganisation, readGauges } from '../sql/read-gauges.ts';
import type { Callers } from './callers.ts';
import type { Described } from './described.ts';
import { Problem } from './problem.ts';

interface Options {
  readonly metrics: Metrics;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether anybody may ask. */
  readonly isOpen: boolean;
}

export const metricsDescription: Described = {
  method: 'GET',
  path: '/metrics',
  group: 'Probes',
  summary: 'Metrics for Prometheus; while there are several organisations with a system token only.',
  needs: 'probe',
  answer: z.string(),
  type: 'text/plain',
  example: {},
};

/** Several scrapers, or an impatient one, share one look at the database. */
const FRESH_FOR = 3_000;

/** Open on the machine itself, or as the operator says; from elsewhere with a token that may see every organisation. */
export function metricsRoute(app: FastifyInstance, callers: Callers, options: Options): void {
  const { metrics, database, clock, log, isOpen } = options;
  let looked = -Infinity;
  let looking: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    try {
      metrics.show(await readGauges(database));
    } catch (error) {
      // What the daemon itself counts is worth most while the database is away.
      log.warn({ event: 'http.metrics.failed', why: messageOf(error) }, 'Postgres could not be asked for its metrics');
      metrics.show(undefined);
    }
    looked = clock.now();
  };

  app.get('/metrics', async (request, reply) => {
    const caller = isOpen ? undefined : await callers.of(request);
    const isOfAll = caller === undefined || (caller.organisation === null && caller.kind !== 'person');
    if (!isOfAll && !(await hasOneOrganisation(database))) {
      throw new Problem(403, 'PERMISSION_DENIED', `"${caller.name}" is not for all of several organisations.`, {
        mend: "Let the owner make a system token: select tideway.create_api_token('prometheus', null);",
      });
    }
    if (clock.now() >= looked + FRESH_FOR) {
      looking ??= look().finally(() => (looking = undefined));
      await looking;
    }
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
