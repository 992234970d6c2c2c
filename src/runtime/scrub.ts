/** Replaces every form of the secrets that an error text could carry. */
export function createScrubber(secrets: readonly string[]): (text: string) => string {
  const forms = new Set<string>();
  for (const secret of secrets.flatMap(parts)) {
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(Buffer.from(secret).toString('base64'));
    forms.add(Buffer.from(secret).toString('base64url'));
  }
  // The longest first: a secret may be the beginning of another form.
  const ordered = [...forms].filter((form) => form.length >= 4).sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((clean, form) => clean.replaceAll(form, '[secret]'), text);
}

/** A secret of several parts is JSON, and each part of it is secret too. */
function parts(secret: string): string[] {
  try {
    const value: unknown = JSON.parse(secret);
    if (typeof value === 'object' && value !== null)
      return [secret, ...leaves(value).filter((leaf) => leaf.length >= 8)];
  } catch {
    // Not JSON: the secret is one piece.
  }
  return [secret];
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}
