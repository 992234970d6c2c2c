/** The JSON text of a query's column `answer`: never parsed, so that its numbers stay exact. */
export async function answerOf(query: Promise<readonly { readonly answer?: unknown }[]>): Promise<string> {
  const [row] = await query;
  return (row?.answer as string | null | undefined) ?? 'null';
}
