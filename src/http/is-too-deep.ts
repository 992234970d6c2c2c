const DEEPEST = 64;

/** Whether JSON is nested beyond what anything here takes: whoever walks it later would run out of stack. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    if (isText) {
      if (one === '\\') at += 1;
      else if (one === '"') isText = false;
    } else if (one === '"') isText = true;
    else if (one === '[' || one === '{') {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (one === ']' || one === '}') depth -= 1;
  }
  return false;
}
