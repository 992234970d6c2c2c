const MAX_DEPTH = 200;
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

/**
 * JSON.parse, except that a number a double cannot hold exactly becomes its text, and that
 * nesting deeper than anything an app means is refused before it can exhaust a stack further on.
 */
export function parseExactJson(text: string): unknown {
  let depth = 0;
  let copied = 0;
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === 0x22) {
      at = endOfString(text, at);
    } else if (char === 0x5b || char === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) throw new SyntaxError(`nested deeper than ${String(MAX_DEPTH)} levels`);
    } else if (char === 0x5d || char === 0x7d) {
      depth -= 1;
    } else if (char === 0x2d || (char >= 0x30 && char <= 0x39)) {
      NUMBER.lastIndex = at;
      const token = NUMBER.exec(text)?.[0] ?? '-';
      if (token.length > 15 || /[eE]/.test(token)) {
        if (!isExact(token)) {
          pieces.push(text.slice(copied, at), `"${token}"`);
          copied = at + token.length;
        }
      }
      at += token.length - 1;
    }
  }
  return JSON.parse(pieces.length === 0 ? text : pieces.join('') + text.slice(copied));
}

/** Whether a JSON number survives the way through a double. */
function isExact(token: string): boolean {
  const value = Number(token);
  return Number.isFinite(value) && decimal(token) === decimal(String(value));
}

/** Sign, digits and exponent in one form: equal texts are equal numbers. */
function decimal(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${sign}${kept}e${String(Number(exponent) - fraction.length + digits.length - kept.length)}`;
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
