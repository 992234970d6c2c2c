import { execFileSync } from 'node:child_process';
import { scaffoldConnector } from './scaffold-connector.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  console.error('Usage: npm run new:connector -- <name>');
  process.exitCode = 2;
} else {
  try {
    const files = scaffoldConnector('.', name);
    // How a line is broken depends on the length of the name.
    execFileSync('npx', ['prettier', '--write', '--log-level', 'warn', ...files], { stdio: 'inherit' });
    console.log(`Wrote:\n${files.join('\n')}\n\ndocs/add-a-connector.md says what to do with them.`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}
