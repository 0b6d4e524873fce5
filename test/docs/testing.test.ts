/** The tests on the page docs/customising/testing.md, run as they stand. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { askControl } from '../helpers/control.js';
import { createSandbox, type Sandbox } from '../helpers/sandbox.js';
import { fileOf } from './pages.js';

const page = 'docs/customising/testing.md';

let sandbox: Sandbox | undefined;

beforeAll(async () => {
  await askControl('build');
});

afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

describe(page, { timeout: 60_000 }, () => {
  test.each([['moderation.test.js', 'moderation.js'], ['spies.test.js'], ['users.test.js'], ['columns.test.js']])(
    '%s passes and ends by itself',
    async (...names) => {
      sandbox = await createSandbox('module');
      await sandbox.write(Object.fromEntries(names.map((name) => [name, fileOf(page, name)])));
      // Without `--test`: then node waits for all that a test leaves open.
      const run = sandbox.node([names[0]!]);
      expect((await run.ended).code, run.output()).toBe(0);
      expect(run.output()).toMatch(/pass 1\b/);
      expect(run.output()).toMatch(/fail 0\b/);
    },
  );
});
