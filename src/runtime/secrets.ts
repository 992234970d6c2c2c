import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { messageOf, TidewayError } from './errors.ts';

export interface SealKey {
  id: string;
  key: Buffer;
}

/** Reads `id:base64,id:base64`; the first key seals, all of them open. */
export function readSealKeys(source: {
  TIDEWAY_SEAL_KEY?: string | undefined;
  TIDEWAY_SEAL_KEY_FILE?: string | undefined;
}): SealKey[] {
  const text =
    source.TIDEWAY_SEAL_KEY || (source.TIDEWAY_SEAL_KEY_FILE ? readSecretFile(source.TIDEWAY_SEAL_KEY_FILE) : '');
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [id = '', encoded = ''] = part.includes(':') ? part.split(':') : ['1', part];
      const key = Buffer.from(encoded, 'base64');
      if (key.length !== 32 || !/^[A-Za-z0-9_-]+$/.test(id)) {
        throw new TidewayError('TWS02', 'The seal key is not id:base64 of 32 bytes.', {
          where: 'TIDEWAY_SEAL_KEY or TIDEWAY_SEAL_KEY_FILE',
          mend: 'Make one with: echo "k1:$(openssl rand -base64 32)"',
        });
      }
      return { id, key };
    });
}

export function sealSecret(plain: string, keys: readonly SealKey[]): string {
  const [first] = keys;
  if (!first) throw missingKey();
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', first.key, nonce);
  cipher.setAAD(Buffer.from(`sealed:v1:${first.id}`));
  const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `sealed:v1:${first.id}:${nonce.toString('base64')}:${body.toString('base64')}`;
}

export function openSecret(sealed: string, keys: readonly SealKey[]): string {
  const [, version, id = '', nonce = '', encoded = ''] = sealed.split(':');
  const found = keys.find((key) => key.id === id);
  if (keys.length === 0) throw missingKey();
  if (version !== 'v1' || !found) {
    throw new TidewayError('TWS03', `A secret is sealed with key ${JSON.stringify(id)}, which is not at hand.`, {
      mend: 'Add that key to TIDEWAY_SEAL_KEY, after the one that seals.',
    });
  }
  try {
    const body = Buffer.from(encoded, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', found.key, Buffer.from(nonce, 'base64'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(`sealed:v1:${id}`));
    decipher.setAuthTag(body.subarray(-16));
    return decipher.update(body.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
  } catch (error) {
    throw new TidewayError('TWS04', 'A sealed secret was changed or cut.', {
      mend: 'Seal it again: tideway seal',
      cause: error,
    });
  }
}

interface Sources {
  environment: NodeJS.ProcessEnv;
  keys: readonly SealKey[];
  /** Reads Supabase Vault: the daemon hands in the SQL call. */
  vault: (name: string) => Promise<string | undefined>;
}

/** Turns a reference (env:, file:, vault:, sealed:) into the secret. */
export async function resolveSecret(reference: string, { environment, keys, vault }: Sources): Promise<string> {
  const colon = reference.indexOf(':');
  const [kind, name] = [reference.slice(0, colon), reference.slice(colon + 1)];
  if (kind === 'sealed') return openSecret(reference, keys);
  if (kind === 'file') return readSecretFile(name);
  if (kind === 'env') {
    const value = environment[name];
    if (value) return value;
    throw new TidewayError('TWS05', `The environment variable ${name} is not set, and a connection needs it.`, {
      mend: `Start the daemon with ${name} set.`,
    });
  }
  if (kind === 'vault') {
    const value = await vault(name);
    if (value) return value;
    throw new TidewayError('TWS06', `The vault has no secret called ${JSON.stringify(name)}.`, {
      mend: `select vault.create_secret('…', '${name.replaceAll("'", "''")}');`,
    });
  }
  throw new TidewayError('TWS07', 'A secret must be a reference, not the secret itself.', {
    mend: 'Use env:NAME, file:PATH, vault:NAME or what tideway seal prints.',
  });
}

function readSecretFile(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new TidewayError('TWS08', `A file with a secret cannot be read: ${messageOf(error)}`, {
      where: path,
      mend: 'Correct the path, or let the account of the daemon read it.',
      cause: error,
    });
  }
}

function missingKey(): TidewayError {
  return new TidewayError('TWS09', 'There is no key for sealed secrets.', {
    mend: 'Set TIDEWAY_SEAL_KEY or TIDEWAY_SEAL_KEY_FILE; make a key with: echo "k1:$(openssl rand -base64 32)"',
  });
}
