/** Prints a CycloneDX bill of what an installation holds: `npm sbom --omit dev` leaves out what development uses too. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

const folder = '.tideway/sbom';
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown>;
delete manifest['devDependencies'];
delete manifest['scripts'];
writeFileSync(`${folder}/package.json`, JSON.stringify(manifest));
cpSync('package-lock.json', `${folder}/package-lock.json`);
cpSync('.npmrc', `${folder}/.npmrc`);
const npm = (...args: string[]) => execFileSync('npm', args, { cwd: folder, encoding: 'utf8' });
npm('install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline');
process.stdout.write(npm('sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'));
