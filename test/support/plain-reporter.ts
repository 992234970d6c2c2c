import { stripVTControlCharacters } from 'node:util';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

const MOST = 600;

/** What went wrong in each try, on one line: the message, and of a comparison the lines that differ. */
const whatWentWrong = (test: TestCase): string => {
  const tries = (test.result().errors ?? []).map(({ message, diff = '' }) => {
    const differing = stripVTControlCharacters(diff)
      .split('\n')
      .filter((line) => /^[-+] {2,}/.test(line))
      .map((line) => line.replace(/ +/g, ' '));
    return [message.split('\n')[0], ...differing].join(' ').slice(0, MOST);
  });
  return tries.join('; then: ') || 'no message';
};

/** Ends the run with what failed, what was skipped and why, what passed only when tried again, and one line that a script can read. */
export class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const error of errors)
      this.#tell(`Failed outside of tests: ${(error as { message?: string }).message ?? 'no message'}`);
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        const { state } = result;
        count[state] += 1;
        if (result.state === 'skipped' && result.note !== undefined)
          this.#tell(`Skipped: ${module.relativeModuleId}: ${test.fullName}: ${result.note}`);
        const name = `${module.relativeModuleId}: ${test.fullName}: ${whatWentWrong(test)}`;
        if (state === 'failed') this.#tell(`Failed: ${name}`);
        if (test.diagnostic()?.flaky === true) this.#tell(`Passed only when tried again: ${name}`);
      }
      // A file that could not be loaded, or whose last check failed, has no test of its own to blame.
      count.failed += module.errors().length;
      for (const { message } of module.errors()) this.#tell(`Failed: ${module.relativeModuleId}: ${message}`);
      for (const suite of module.children.allSuites()) {
        count.failed += suite.errors().length;
        for (const { message } of suite.errors()) this.#tell(`Failed: ${suite.fullName}: ${message}`);
      }
    }
    this.#tell(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
  }

  #tell(line: string): void {
    process.stdout.write(`${line}\n`);
  }
}
