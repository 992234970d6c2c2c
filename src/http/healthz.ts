import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Described } from './described.ts';
import type { Guard } from './guard.ts';

export const healthzRoute: Described = {
  method: 'GET',
  path: '/healthz',
  group: 'Probes',
  summary: 'The process answers.',
  needs: 'probe',
  answer: z.object({ status: z.literal('ok') }),
  example: {},
};

/** The process lives and answers; it says nothing about the database. */
export function healthz(app: FastifyInstance, guard: Guard): void {
  app.get('/healthz', { onRequest: guard.of('healthz') }, () => ({ status: 'ok' }));
}
