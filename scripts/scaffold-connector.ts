import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What each template becomes. */
const PLACES: Readonly<Record<string, (name: string) => string>> = {
  'settings.ts.txt': (name) => `src/connectors/${name}/settings.ts`,
  'client.ts.txt': (name) => `src/connectors/${name}/client.ts`,
  'connector.ts.txt': (name) => `src/connectors/${name}/${name}.ts`,
  'app.ts.txt': (name) => `test/apps/${name}/${name}-app.ts`,
  'test.ts.txt': (name) => `test/connectors/${name}.test.ts`,
  'page.md.txt': (name) => `docs/systems/${name}.md`,
};

const REGISTRY = 'src/connectors/registry.ts';

/** Writes the files of a new connector into the project at `root`, and registers it; returns their paths. */
export function scaffoldConnector(root: string, name: string): string[] {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new Error(`"${name}" is no name for a connector. Use small letters, digits and hyphens, as google-sheets.`);
  }
  const files = Object.entries(PLACES).map(([template, place]) => ({ template, path: place(name) }));
  const taken = files.filter(({ path }) => existsSync(join(root, path)));
  if (taken.length > 0) throw new Error(`There is a file ${taken[0]?.path ?? ''} already. Choose another name.`);
  for (const { template, path } of files) {
    const text = readFileSync(join(root, 'scripts/connector-template', template), 'utf8');
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), fill(text, name));
  }
  register(join(root, REGISTRY), name);
  return [...files.map(({ path }) => path), REGISTRY];
}

function words(name: string): string[] {
  return name.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
}

function camel(name: string): string {
  const pascal = words(name).join('');
  return pascal.charAt(0).toLowerCase() + pascal.slice(1);
}

function fill(text: string, name: string): string {
  const snake = name.replaceAll('-', '_');
  const spellings: Readonly<Record<string, string>> = {
    __kebab__: name,
    __snake__: snake,
    __UPPER__: snake.toUpperCase(),
    __camel__: camel(name),
    __Pascal__: words(name).join(''),
    __Title__: words(name).join(' '),
  };
  return text.replace(/__(kebab|snake|UPPER|camel|Pascal|Title)__/g, (found) => spellings[found] ?? found);
}

/** One import and one line of the list, each in its place in the alphabet. */
function register(file: string, name: string): void {
  const lines = readFileSync(file, 'utf8').split('\n');
  insert(
    lines,
    /^import \{ \w+ \} from '\.\/(.+)\/.+';$/,
    name,
    `import { ${camel(name)} } from './${name}/${name}.ts';`,
  );
  insert(
    lines,
    /^ {2}\['(\w+)', \w+\],$/,
    name.replaceAll('-', '_'),
    `  ['${name.replaceAll('-', '_')}', ${camel(name)}],`,
  );
  writeFileSync(file, lines.join('\n'));
}

function insert(lines: string[], pattern: RegExp, key: string, line: string): void {
  const entries = lines.flatMap((text, at) => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? [] : [{ at, found }];
  });
  const next = entries.find(({ found }) => found > key)?.at ?? (entries.at(-1)?.at ?? -1) + 1;
  lines.splice(next, 0, line);
}
