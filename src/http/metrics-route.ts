import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../runtime/metrics.ts';
import { requireLocal } from './require-local.ts';

export function metricsRoute(app: FastifyInstance, { metrics: { registry } }: { metrics: Metrics }): void {
  app.get('/metrics', { onRequest: requireLocal }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
