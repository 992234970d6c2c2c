import { test } from 'vitest';
import { useOutbound } from '../flow/outbound/stage.ts';
import { seed } from '../support/seed.ts';
import { KINDS } from './apps/kinds.ts';
import { converge } from './converge.ts';
import { createDraws } from './draws.ts';

const flow = useOutbound();
const whole = process.env.TIDEWAY_TEST_CONVERGENCE === 'all';
const rounds = Number(process.env.TIDEWAY_TEST_ROUNDS ?? (whole ? 3 : 1));
const draws = createDraws(seed);
const first = draws.below(KINDS.length);
const kinds = whole ? KINDS : [0, 1].flatMap((at) => KINDS[(first + at) % KINDS.length] ?? []);

for (const kind of kinds)
  for (let round = 0; round < rounds; round += 1) {
    const mine = seed + round;
    test(`${kind.name} and a table converge, whatever people, faults and kills do (seed ${String(mine)})`, async () => {
      await converge(flow, { kinds: [kind], seed: mine, steps: whole ? 40 : 24 });
    });
  }
