/** Hosts that replace every part, as their users would write them: built beside the installed package, and run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../helpers/processes.js';
import { startMariaDb, startRedis } from '../helpers/services.js';
import type { Part, Project } from './project.js';

/** The files of a folder of programs, by their names in it. */
export function filesOf(folder: string): Record<string, string> {
  const from = join(import.meta.dirname, 'programs', folder);
  const names = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((name) => /\.\w+$/.test(name));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(from, name), 'utf8')]));
}

/** The host in TypeScript, compiled. */
export async function buildTypedHost(project: Project): Promise<Part> {
  const part = await project.part('host-ts', 'module', filesOf('host-ts'));
  await part.npx('tsc -p .');
  await part.npx('express-realtime-chat migrations migrations');
  return part;
}

/** Plays the host's scene in one process on SQLite; resolves to what it printed. */
export async function playEmbedded(part: Part): Promise<string> {
  await part.npx(`sequelize-cli db:migrate --url "sqlite:${part.folder}/app.sqlite"`);
  const app = part.node(['out/main.js'], { HOOKS_PORT: String(await freePort()) });
  const { code } = await app.ended;
  return code === 0 ? app.output() : fail('The app', app.output());
}

/** Plays it with app and worker as two processes, on MariaDB and Redis; resolves to what each printed. */
export async function playApart(part: Part): Promise<{ app: string; worker: string }> {
  const [mariaDb, redis] = await Promise.all([startMariaDb(), startRedis()]);
  try {
    const env = { DATABASE_URL: mariaDb.url, REDIS_URL: redis.url, HOOKS_PORT: String(await freePort()) };
    await part.npx(`sequelize-cli db:migrate --url "${mariaDb.url}"`);
    const worker = part.run('express-realtime-chat worker --config chat.config.js', env);
    await worker.waitFor(/takes events/);
    const app = part.node(['out/main.js'], env);
    const { code } = await app.ended;
    if (code !== 0) fail('The app', `${app.output()}\nThe worker:\n${worker.output()}`);
    worker.child.kill('SIGTERM');
    if ((await worker.ended).code !== 0) fail('The worker', worker.output());
    return { app: app.output(), worker: worker.output() };
  } finally {
    await part.stop();
    await mariaDb.stop();
    await redis.stop();
  }
}

function fail(who: string, output: string): never {
  throw new Error(`${who} failed:\n${output}`);
}
