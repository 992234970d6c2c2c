import type { Database } from '../database.ts';

/** A secret of Supabase Vault; undefined without the vault or the name. */
export async function readVaultSecret(database: Database, name: string): Promise<string | undefined> {
  const [vault] = await database<
    { there: boolean }[]
  >`select to_regclass('vault.decrypted_secrets') is not null as there`;
  if (!vault?.there) return undefined;
  const [row] = await database<{ secret: string }[]>`
    select decrypted_secret as secret from vault.decrypted_secrets where name = ${name}`;
  return row?.secret;
}
