import type { Database } from '../database.ts';

export async function noteRejectedWebhooks(
  database: Database,
  connection: number,
  { code, message, times }: { readonly code: string; readonly message: string; readonly times: number },
): Promise<void> {
  await database`select tideway_private.note_rejected_webhooks(${connection}, ${code}, ${message}, ${times})`;
}
