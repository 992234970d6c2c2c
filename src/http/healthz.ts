import type { FastifyInstance } from 'fastify';
import type { Guard } from './guard.ts';

/** The process lives and answers; it says nothing about the database. */
export function healthz(app: FastifyInstance, guard: Guard): void {
  app.get('/healthz', { onRequest: guard.of('healthz') }, () => ({ status: 'ok' }));
}
