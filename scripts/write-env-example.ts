import { writeFileSync } from 'node:fs';
import { exampleEnvironment } from '../src/runtime/config.ts';

writeFileSync('.env.example', exampleEnvironment());
