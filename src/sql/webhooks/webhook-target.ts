import type { Database } from '../database.ts';

export interface WebhookTargetRow {
  readonly number: number;
  readonly org_id: string;
  readonly name: string;
  readonly system: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly secret: string | null;
  /** Sealed; newest first. */
  readonly tokens: readonly string[];
  /** References to secrets that people set; newest first. */
  readonly references: readonly string[];
}

export async function webhookTarget(database: Database, token: string): Promise<WebhookTargetRow | undefined> {
  const [row] = await database<WebhookTargetRow[]>`select * from tideway_private.webhook_target(${token})`;
  return row;
}
