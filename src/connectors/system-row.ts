import { z } from 'zod';
import type { Connector } from './connector.ts';

/** What `tideway.systems` holds of a connector: plain JSON throughout. */
export interface SystemRow {
  readonly system: string;
  readonly title: string;
  readonly settings_schema: unknown;
  readonly types: readonly unknown[];
  readonly limits: Readonly<Record<string, unknown>>;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

export function systemRow(system: string, connector: Connector<unknown>): SystemRow {
  const { title, settings, secret, types, limits, timing, capabilities } = connector.describe();
  return {
    system,
    title,
    settings_schema: z.toJSONSchema(settings, { io: 'input' }),
    types,
    limits: { ...limits, ...timing },
    capabilities: {
      ...capabilities,
      secret,
      read: connector.readPage !== undefined,
      readByIds: connector.readByIds !== undefined,
      findByKey: connector.findByKey !== undefined,
      write: connector.writeBatch !== undefined,
      webhooks: connector.verifyWebhook !== undefined,
      subscriptions: connector.keepWebhook !== undefined,
    },
  };
}
