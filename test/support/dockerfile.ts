import { readFileSync } from 'node:fs';

export interface Instruction {
  readonly name: string;
  /** Without flags, which are in `flags`. */
  readonly text: string;
  readonly flags: Readonly<Record<string, string>>;
}

export interface Stage {
  readonly image: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile, with its global arguments filled in. */
export function readDockerfile(file: string): readonly Stage[] {
  const lines = readFileSync(file, 'utf8')
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const values = new Map<string, string>();
  const stages: { image: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = '', rest = ''] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
    if (name === 'ARG' && stages.length === 0) {
      const [key = '', value = ''] = rest.split('=');
      values.set(key, value);
    } else if (name === 'FROM') {
      const [image = '', , as] = rest
        .replaceAll(/\$\{(\w+)\}/g, (_, key: string) => values.get(key) ?? '')
        .split(/\s+/);
      stages.push({ image, name: as, instructions: [] });
    } else {
      const [, given = '', text = ''] = /^((?:--[\w-]+=\S+\s+)*)(.*)$/.exec(rest.trim()) ?? [];
      const flags = Object.fromEntries(
        [...given.matchAll(/--([\w-]+)=(\S+)/g)].map(([, key = '', value = '']) => [key, value]),
      );
      stages.at(-1)?.instructions.push({ name, text: text.replaceAll(/\s+/g, ' ').trim(), flags });
    }
  }
  return stages;
}

/** The words of an instruction in exec form; nothing when it is in shell form. */
export function execForm({ text }: Instruction): readonly string[] | undefined {
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : undefined;
}
