import { invalid } from './refusal.ts';

interface Mask {
  readonly [name: string]: Mask | true;
}

const KNOWN = new Set(
  `spreadsheetId spreadsheetUrl properties title locale timeZone sheets sheetId index sheetType gridProperties rowCount
   columnCount frozenRowCount merges data startRow startColumn rowData values userEnteredValue effectiveValue
   formattedValue effectiveFormat userEnteredFormat numberFormat type pattern replies numberValue stringValue boolValue
   errorValue formulaValue message id name mimeType modifiedTime version trashed nextPageToken files kind user permissionId
   emailAddress displayName range majorDimension updates updatedRange updatedRows updatedColumns updatedCells`.split(
    /\s+/,
  ),
);

/** Reads `a,b(c,d),e/f`, and refuses names that no answer has. */
export function parseMask(text: string): Mask {
  let at = 0;
  const list = (): Mask => {
    const mask: Record<string, Mask | true> = {};
    for (;;) {
      const [name = ''] = /^[\w*]+/.exec(text.slice(at)) ?? [];
      if (!KNOWN.has(name) && name !== '*')
        throw invalid(`Request contains an invalid argument: Invalid field selection ${name}`);
      at += name.length;
      let inner: Mask | true = true;
      if (text[at] === '(') {
        at += 1;
        inner = list();
        if (text[at] !== ')') throw invalid(`Invalid field mask: ${text}`);
        at += 1;
      } else if (text[at] === '/' || text[at] === '.') {
        at += 1;
        inner = path();
      }
      const known = mask[name];
      mask[name] = typeof known === 'object' && typeof inner === 'object' ? { ...known, ...inner } : inner;
      if (text[at] !== ',') return mask;
      at += 1;
    }
  };
  const path = (): Mask => {
    const comma = at;
    const [name = ''] = /^\w+/.exec(text.slice(comma)) ?? [];
    if (!KNOWN.has(name)) throw invalid(`Request contains an invalid argument: Invalid field selection ${name}`);
    at += name.length;
    if (text[at] === '/' || text[at] === '.') {
      at += 1;
      return { [name]: path() };
    }
    if (text[at] === '(') {
      at += 1;
      const inner = list();
      at += 1;
      return { [name]: inner };
    }
    return { [name]: true };
  };
  const mask = list();
  if (at !== text.length) throw invalid(`Invalid field mask: ${text}`);
  return mask;
}

export function applyMask(value: unknown, mask: Mask | true): unknown {
  if (mask === true || Object.hasOwn(mask, '*')) return value;
  if (Array.isArray(value)) return value.map((one) => applyMask(one, mask));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => {
      const own = mask[name];
      return own === undefined ? [] : [[name, applyMask(inner, own)]];
    }),
  );
}
