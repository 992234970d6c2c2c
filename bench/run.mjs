// npm run bench -- apply|queue|follow|inbound|outbound|http [--quick]
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const benches = ['apply', 'queue', 'follow', 'inbound', 'outbound', 'http'];
const [name, ...rest] = process.argv.slice(2);
if (!benches.includes(name)) {
  console.error(`Name a bench: ${benches.join(', ')}. For instance: npm run bench -- apply --quick`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), ...rest], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
