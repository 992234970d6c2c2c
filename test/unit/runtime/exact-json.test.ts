import { describe, expect, test } from 'vitest';
import { fc } from '../../support/seed.ts';
import { parseExactJson } from '../../../src/runtime/exact-json.ts';

describe('parseExactJson', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(parseExactJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  test.for([
    ['9007199254740993', '9007199254740993'],
    ['9007199254740992', 9007199254740992],
    ['-12345678901234567890.123', '-12345678901234567890.123'],
    ['1e400', '1e400'],
    ['1E3', 1000],
    ['0.30000000000000004', 0.30000000000000004],
    ['0.1000000000000000055511151231257827', '0.1000000000000000055511151231257827'],
    ['1.000000000000000000000', 1],
  ] as const)('%s becomes %j', ([text, value]) => {
    expect(parseExactJson(text)).toBe(value);
    expect(parseExactJson(`{"a":[${text},"${text}"]}`)).toEqual({ a: [value, text] });
  });

  test('digits inside a text stay as they are, whatever is escaped around them', () => {
    const value = { 'k\\"12345678901234567890': 'x\\\\', b: '"12345678901234567890\\' };
    expect(parseExactJson(JSON.stringify(value))).toEqual(value);
  });

  test.for(['', '{', '[1,]', '{"a":-}', '1 2', '"open', '01', '-', '12345678901234567890123 4'])(
    'refuses %j',
    (text) => {
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
    },
  );

  test('refuses nesting that would exhaust a stack further on', () => {
    expect(() => parseExactJson('['.repeat(100_000) + ']'.repeat(100_000))).toThrow('nested deeper');
  });
});
