interface Connected {
  readonly edges: readonly { readonly node: Readonly<Record<string, unknown>> }[];
}

/** The result of a bulk query as lines: each node of a list one, with its parent's id below the first list. */
export function toLines(data: Readonly<Record<string, unknown>>): string[] {
  const lines: string[] = [];
  const walk = (list: Connected, parent: string | null): void => {
    for (const { node } of list.edges) {
      const inner = Object.values(node).filter(isConnected);
      const own = Object.fromEntries(Object.entries(node).filter(([, value]) => !isConnected(value)));
      lines.push(escaped(parent === null ? own : { ...own, __parentId: parent }));
      for (const one of inner) walk(one, String(node['id']));
    }
  };
  for (const value of Object.values(data)) if (isConnected(value)) walk(value, null);
  return lines;
}

function isConnected(value: unknown): value is Connected {
  return typeof value === 'object' && value !== null && Array.isArray((value as { edges?: unknown }).edges);
}

/** The shop writes its slashes escaped. */
function escaped(value: unknown): string {
  return JSON.stringify(value).replaceAll('/', '\\/');
}
