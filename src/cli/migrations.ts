import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../runtime/package-root.ts';

export interface Migration {
  filename: string;
  hash: string | undefined;
  text: string;
}

const folder = join(packageRoot, 'db/migrations');

export function committedMigrations(): Migration[] {
  return filesOf(join(folder, 'committed'), /^\d{6}.*\.sql$/);
}

/** The migration being written, in a checkout of the repository. */
export function currentMigrations(): Migration[] {
  return filesOf(join(folder, 'current'), /^\d+.*\.sql$/).filter(
    ({ text }) => text.replaceAll(/--.*$/gm, '').trim() !== '',
  );
}

export function sourceFiles(): Migration[] {
  return filesOf(join(packageRoot, 'db/source'), /\.sql$/, true);
}

function filesOf(directory: string, pattern: RegExp, recursive = false): Migration[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive, encoding: 'utf8' } as { recursive: boolean; encoding: 'utf8' })
    .filter((name) => pattern.test(name))
    .sort()
    .map((filename) => {
      const text = readFileSync(join(directory, filename), 'utf8');
      return { filename, text, hash: /^--! Hash: (\S+)/m.exec(text)?.[1] };
    });
}
