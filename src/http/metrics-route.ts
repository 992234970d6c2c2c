import type { FastifyInstance } from 'fastify';
import type { Metrics } from '../runtime/metrics.ts';
import type { Guard } from './guard.ts';

export function metricsRoute(
  app: FastifyInstance,
  guard: Guard,
  { metrics: { registry } }: { metrics: Metrics },
): void {
  app.get('/metrics', { onRequest: guard('metrics') }, async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
