import fc from 'fast-check';

/** Random tests repeat the same draws unless told otherwise: a release must not fail by luck. TIDEWAY_TEST_SEED=random explores. */
const wanted = process.env.TIDEWAY_TEST_SEED;
export const seed = wanted === 'random' ? Date.now() % 1_000_000 : Number(wanted ?? 20_261_121);

fc.configureGlobal({ seed });

/** Imported from here, so that no test can draw without the seed. */
export { fc };
