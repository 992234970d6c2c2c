import { valueError } from './odoo-exception.ts';

/** How one condition is decided; throws for a field that the model does not have. */
type Condition = (field: string, operator: string, value: unknown) => boolean;

/** Odoo's domains: conditions in prefix notation, joined by `&` where nothing is said. */
export function matches(domain: readonly unknown[], holds: Condition): boolean {
  let at = 0;
  const term = (): boolean => {
    const token = domain[at];
    at += 1;
    if (token === '!') return !term();
    if (token === '&' || token === '|') {
      const [left, right] = [term(), term()];
      return token === '&' ? left && right : left || right;
    }
    if (!Array.isArray(token) || token.length !== 3) {
      throw valueError(`Invalid leaf ${JSON.stringify(token ?? null)} in domain`);
    }
    const [field, operator, value] = token as [unknown, unknown, unknown];
    return holds(String(field), String(operator), value);
  };
  let result = true;
  while (at < domain.length) result = term() && result;
  return result;
}

export function mentions(domain: readonly unknown[], field: string): boolean {
  return domain.some((token) => Array.isArray(token) && token[0] === field);
}

/** Decides one condition on values as Odoo keeps them. */
export function compare(operator: string, kept: unknown, given: unknown): boolean {
  switch (operator) {
    case '=':
      return equal(kept, given);
    case '!=':
    case '<>':
      return !equal(kept, given);
    case 'in':
      return Array.isArray(given) && given.some((one) => equal(kept, one));
    case 'not in':
      return Array.isArray(given) && !given.some((one) => equal(kept, one));
    case '>':
      return kept !== false && (kept as number) > (given as number);
    case '>=':
      return kept !== false && (kept as number) >= (given as number);
    case '<':
      return kept !== false && (kept as number) < (given as number);
    case '<=':
      return kept !== false && (kept as number) <= (given as number);
    case 'like':
      return typeof kept === 'string' && kept.includes(String(given));
    case 'ilike':
      return typeof kept === 'string' && kept.toLowerCase().includes(String(given).toLowerCase());
    case '=ilike':
      return typeof kept === 'string' && kept.toLowerCase() === String(given).toLowerCase();
    default:
      throw valueError(`Invalid operator ${operator} in domain`);
  }
}

function equal(kept: unknown, given: unknown): boolean {
  if (Array.isArray(kept)) return kept.includes(given);
  // Unset and empty text are the same to a search.
  if (given === false || given === null) return kept === false || kept === '';
  return kept === given;
}
