import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createChat } from '../../src/index.js';
import { createDefaultLogger } from '../../src/logging/logger.js';
import { createBullQueue } from '../../src/queue/bullmq.js';
import { askControl } from '../helpers/control.js';
import { freePort, startProcess, type TestProcess } from '../helpers/processes.js';
import { startRedis, type TestRedis } from '../helpers/services.js';

const root = join(import.meta.dirname, '..', '..');
const cli = join(root, 'dist', 'src', 'cli', 'index.js');
const entry = JSON.stringify(join(root, 'dist', 'src', 'index.js'));

describe('express-realtime-chat worker', () => {
  let folder: string;
  let redis: TestRedis;
  const running: TestProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chat-cli-'));
    // For config files that import Sequelize.
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    [redis] = await Promise.all([startRedis(), askControl('build')]);
    const chat = createChat({ database: `sqlite:${join(folder, 'ready.sqlite')}`, logLevel: 'error' });
    await chat.migrate();
    await chat.sequelize.query("INSERT INTO users (id, username) VALUES (1, 'ann')");
    await chat.close();
  });

  afterAll(async () => {
    await Promise.all(running.map((one) => one.stop('SIGKILL')));
    await redis?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function worker(...args: string[]): TestProcess {
    const started = startProcess(process.execPath, [cli, 'worker', ...args], { cwd: folder });
    running.push(started);
    return started;
  }

  async function withConfig(name: string, text: string): Promise<TestProcess> {
    await writeFile(join(folder, name), text);
    return worker('--config', name);
  }

  /** Settings of a worker that can start, as the text of an object. */
  const good = (more = '') =>
    `{ database: 'sqlite:ready.sqlite', redis: '${redis.url}', redisPrefix: '${redis.prefix}', ${more} }`;

  describe('what keeps it from starting is one sentence, and exit code 1', () => {
    async function refusal(started: TestProcess): Promise<string> {
      const began = performance.now();
      expect((await started.ended).code, started.output()).toBe(1);
      expect(performance.now() - began).toBeLessThan(8000);
      const output = started.output();
      expect(output).not.toMatch(/^\s+at /m);
      expect(output.trim().split('\n'), output).toHaveLength(1);
      return output;
    }

    test('no config file', async () => {
      expect(await refusal(worker())).toMatch('The config file chat.config.js does not exist');
      expect(await refusal(worker('--config', 'other.mjs'))).toMatch('The config file other.mjs does not exist');
    });

    test('a config file that exports no settings', async () => {
      const text = await refusal(await withConfig('empty.mjs', 'export const settings = {};'));
      expect(text).toMatch("must export the chat's settings as its default export");
    });

    test('a config file that throws, with the place', async () => {
      const throwing = "export default () => {\n  throw new Error('There is no password here.');\n};";
      const text = await refusal(await withConfig('throws.mjs', throwing));
      expect(text).toMatch(
        /The config file throws\.mjs failed: There is no password here \(file:.*throws\.mjs:2:\d+\)\./,
      );
    });

    test('a config file that is no program', async () => {
      expect(await refusal(await withConfig('broken.mjs', 'export default {'))).toMatch('broken.mjs failed: ');
    });

    test('a config file without a secret', async () => {
      const text = `import { jwtAuthentication } from ${entry};
        export default { authenticate: jwtAuthentication({ secret: process.env.NO_SUCH_SECRET, loadUser: () => null }) };`;
      expect(await refusal(await withConfig('secret.mjs', text))).toMatch(/secret\.mjs failed: .*secret/);
    });

    test('a setting that is wrong, named', async () => {
      const misspelt = await withConfig('misspelt.mjs', `export default ${good('concurency: 5')};`);
      expect(await refusal(misspelt)).toMatch('Unknown setting concurency, 5: did you mean concurrency?');
      const wrong = await withConfig('wrong.mjs', "export default { redis: 'http://127.0.0.1' };");
      expect(await refusal(wrong)).toMatch('Setting redis must be a redis:// or rediss:// URL');
      const absent = await withConfig('absent.mjs', "export default { database: 'sqlite:ready.sqlite' };");
      expect(await refusal(absent)).toMatch('A worker of its own needs Redis: give the setting redis');
    });

    test('a database that is not there', async () => {
      const url = `mysql://user:pass@127.0.0.1:${await freePort()}/chat`;
      const text = await refusal(await withConfig('nodb.mjs', `export default { ...${good()}, database: '${url}' };`));
      expect(text).toMatch(/The database cannot be reached \(.*ECONNREFUSED.*\): check the setting database/);
      expect(text).not.toMatch('pass');
    });

    test('a Redis that is not there', async () => {
      const url = `redis://:pass@127.0.0.1:${await freePort()}`;
      const text = await refusal(await withConfig('noredis.mjs', `export default { ...${good()}, redis: '${url}' };`));
      expect(text).toMatch(/Redis cannot be reached \(.*ECONNREFUSED.*\): check the setting redis/);
      expect(text).not.toMatch('pass');
    });

    test('tables that are not there', async () => {
      const settings = `{ ...${good()}, database: 'sqlite:empty.sqlite' }`;
      const text = await refusal(await withConfig('notables.mjs', `export default ${settings};`));
      expect(text).toMatch(/tables are missing .*run "npx express-realtime-chat migrations <folder>"/);
    });
  });

  describe('starts', () => {
    /** Takes events, and ends with 0 on SIGTERM. */
    async function works(started: TestProcess): Promise<void> {
      await started.waitFor(/The worker takes events\./);
      await started.stop('SIGTERM');
      expect((await started.ended).code, started.output()).toBe(0);
    }

    test.each([
      ['an ES module with an object', 'object.mjs', () => `export default ${good()};`],
      ['an ES module with a function', 'function.mjs', () => `export default () => (${good()});`],
      [
        'an ES module that awaits, with an async function',
        'async.mjs',
        () =>
          `const prefix = await Promise.resolve('x');\nexport default async () => ({ ...${good()}, queueName: prefix });`,
      ],
      ['a CommonJS file with an object', 'object.cjs', () => `module.exports = ${good()};`],
      ['a CommonJS file with an async function', 'async.cjs', () => `module.exports = async () => (${good()});`],
      [
        'a CommonJS file compiled from an ES module',
        'compiled.cjs',
        () => `Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = ${good()};`,
      ],
      [
        'a file that opens its own database',
        'own.mjs',
        () => `import { Sequelize } from 'sequelize';
          const database = new Sequelize({ dialect: 'sqlite', storage: 'ready.sqlite', logging: false });
          await database.authenticate();
          export default { ...${good()}, database };`,
      ],
    ])('by %s, and ends with 0 on SIGTERM', async (_, name, text) => {
      await works(await withConfig(name, text()));
    });

    test('by chat.config.js where no file is named', async () => {
      await writeFile(join(folder, 'chat.config.js'), `module.exports = ${good()};`);
      await works(worker());
    });

    test('and ends with 0 on SIGINT', async () => {
      const started = await withConfig('interrupted.mjs', `export default ${good()};`);
      await started.waitFor(/The worker takes events\./);
      await started.stop('SIGINT');
      expect((await started.ended).code).toBe(0);
    });

    test('and a second signal ends it at once with 1, whatever is in hand', async () => {
      const name = 'hanging';
      const hanging = `
        import { everyone, mapEventTypesToHandlers } from ${entry};
        process.on('SIGTERM', () => process.stdout.write('Signalled.\\n'));
        const handler = () => new Promise((resolve) => {
          process.stdout.write('In hand.\\n');
          setTimeout(resolve, 60_000);
        });
        const eventMapper = (consumer) => ({ ...mapEventTypesToHandlers(consumer), 'room.list': { guard: everyone, handler } });
        export default ${good(`queueName: '${name}', eventMapper`)};`;
      const started = await withConfig('hanging.mjs', hanging);
      await started.waitFor(/The worker takes events\./);
      const logger = createDefaultLogger({ level: 'error' });
      const queue = createBullQueue({ redis: redis.url, prefix: redis.prefix, name, logger });
      try {
        const from = { userId: '1', gatewayId: 'nobody', connectionId: 'nobody' };
        await queue.add({ ...from, id: newId(), type: 'room.list', data: {}, addedAt: Date.now() });
        await started.waitFor(/In hand\./);
        started.child.kill('SIGTERM');
        await started.waitFor(/Signalled\./);
        expect(started.child.exitCode).toBeNull();
        started.child.kill('SIGTERM');
        expect((await started.ended).code, started.output()).toBe(1);
      } finally {
        await queue.close();
      }
    });
  });
});
