import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { positionAge } from '../sql/follow/position-age.ts';
import type { Database } from '../sql/database.ts';
import type { Described } from './described.ts';
import type { Guard } from './guard.ts';
import { Problem } from './problem.ts';

export const readyzRoute: Described = {
  method: 'GET',
  path: '/readyz',
  group: 'Probes',
  summary: 'The heartbeat comes back through the write-ahead log; 503 when it does not.',
  needs: 'probe',
  answer: z.object({ status: z.literal('ready'), heartbeat_age_seconds: z.number() }),
  example: {},
};

/** A heartbeat is written every two seconds; so many without one are a stuck follower. */
const READY_WITHIN = 15;

/** Ready while the heartbeat comes back through the write-ahead log, to whichever daemon follows. */
export function readyz(
  app: FastifyInstance,
  guard: Guard,
  { database, slot }: { database: Database; slot: string },
): void {
  app.get('/readyz', { onRequest: guard.of('readyz') }, async () => {
    const age = await positionAge(database, slot);
    if (age !== null && age <= READY_WITHIN) return { status: 'ready', heartbeat_age_seconds: Math.max(0, age) };
    throw new Problem(
      503,
      'NOT_READY',
      age === null
        ? 'No daemon has followed the write-ahead log yet.'
        : `The heartbeat through the write-ahead log is ${age.toFixed(0)} s old.`,
      { where: `slot ${slot}`, mend: 'Look at tideway.replication_status, or run: tideway doctor' },
    );
  });
}
