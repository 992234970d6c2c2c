import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  /** Deliveries by what became of them: stored, duplicate, or the code of the refusal. */
  readonly webhooks: Counter<'outcome'>;
  readonly requests: Histogram<'method' | 'route' | 'status'>;
}

/** What one daemon counts about itself; every daemon has its own registry. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return {
    registry,
    webhooks: new Counter({
      name: 'tideway_webhooks_total',
      help: 'Webhook deliveries by what became of them.',
      labelNames: ['outcome'],
      registers: [registry],
    }),
    requests: new Histogram({
      name: 'tideway_http_request_duration_seconds',
      help: 'How long requests to the daemon took.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30],
      registers: [registry],
    }),
  };
}
