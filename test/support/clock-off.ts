/**
 * The environment of a daemon on a machine whose date is off by so many milliseconds. What only grows, timers and
 * `performance.now`, is not moved by whoever sets a clock, and is not moved here.
 */
export function clockOff(milliseconds: number): Record<string, string> {
  const by = String(milliseconds);
  const code = `const Real = Date;
    globalThis.Date = class Date extends Real {
      constructor(...given) { if (given.length === 0) super(Real.now() + ${by}); else super(...given); }
      static now() { return Real.now() + ${by}; }
    };`;
  return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(code)}` };
}
