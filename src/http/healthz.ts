import type { FastifyInstance } from 'fastify';

/** The process lives and answers; it says nothing about the database. */
export function healthz(app: FastifyInstance): void {
  app.get('/healthz', () => ({ status: 'ok' }));
}
