import type { WebhookTarget } from '../http/webhook-targets.ts';
import { openSecret, resolveSecret } from '../runtime/secrets.ts';
import { readVaultSecret } from '../sql/connections/read-vault-secret.ts';
import { webhookTarget } from '../sql/webhooks/webhook-target.ts';
import { openAccess, type AccessSources } from './own-connection.ts';

/** The connection behind a webhook address, with its secrets opened; any daemon may answer for any connection. */
export async function openWebhookTarget(token: string, sources: AccessSources): Promise<WebhookTarget | undefined> {
  const row = await webhookTarget(sources.database, token);
  if (row === undefined) return undefined;
  const { connector, settings, secret } = await openAccess(row, sources);
  const vault = (name: string): Promise<string | undefined> => readVaultSecret(sources.database, name);
  const set = await Promise.all(row.references.map((reference) => resolveSecret(reference, { ...sources, vault })));
  const obtained = row.tokens.map((sealed) => openSecret(sealed, sources.keys));
  const own = secret === null ? [] : (connector.webhookSecrets?.(secret, settings) ?? []);
  return {
    number: row.number,
    name: row.name,
    connector,
    settings,
    // An empty text would prove everything.
    secrets: [...set, ...obtained, ...own].filter((one) => one !== ''),
  };
}
