import { readFileSync } from 'node:fs';

/** The fenced blocks of a Markdown text in one language, in their order. */
export function fencedBlocks(markdown: string, language = 'sql'): string[] {
  const blocks = markdown.matchAll(/^```(\S*)[^\n]*\n([^]*?)^```$/gm);
  return [...blocks].filter(([, info]) => info === language).map(([, , text = '']) => text.trim());
}

/** The sections under the second-level headings of a page, by heading. */
export function sections(file: string): Map<string, string> {
  const [, ...parts] = readFileSync(file, 'utf8').split(/^## /m);
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('\n')), part]));
}
