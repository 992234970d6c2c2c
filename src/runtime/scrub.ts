/** Replaces every form of the secrets that an error text could carry. The list may grow while it is used. */
export function createScrubber(secrets: readonly string[]): (text: string) => string {
  let forms: readonly string[] = [];
  let seen = 0;
  return (text) => {
    if (seen !== secrets.length) {
      forms = formsOf(secrets);
      seen = secrets.length;
    }
    return forms.reduce((clean, form) => clean.replaceAll(form, '[secret]'), text);
  };
}

function formsOf(secrets: readonly string[]): string[] {
  const forms = new Set<string>();
  for (const secret of secrets.flatMap(parts)) {
    forms.add(secret);
    forms.add(encodeURIComponent(secret));
    forms.add(JSON.stringify(secret).slice(1, -1));
    forms.add(Buffer.from(secret).toString('base64'));
    forms.add(Buffer.from(secret).toString('base64url'));
  }
  // The longest first: a secret may be the beginning of another form.
  return [...forms].filter((form) => form.length >= 4).sort((a, b) => b.length - a.length);
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
