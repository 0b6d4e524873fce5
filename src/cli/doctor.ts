import type { Sequelize } from 'sequelize';
import { loadConfigFile } from '../../worker/config-file.js';
import { type Chat, createChat } from '../chat.js';
import { createSilentLogger } from '../logging/logger.js';
import { checkDatabase, reachDatabase } from '../models/check.js';
import { checkServer } from '../models/check-server.js';
import { checkHostText } from '../models/check-text.js';
import { migrationState } from '../models/migrate.js';
import { inspectRedis } from '../queue/check-redis.js';
import { complaintsOf, type Finding } from '../settings/finding.js';
import { isWellKnown, weakSecret } from '../settings/secret-strength.js';
import { type ChatSettings, type ResolvedSettings, resolveSettings } from '../settings/settings.js';

/** Milliseconds that one part may take to answer all that it is asked. */
const patience = 10_000;

/**
 * Looks at everything that the chat needs, as a gateway or a worker with this config file would find it, and
 * changes nothing. What does not answer is said, and the rest is looked at all the same.
 */
export async function* examine(configFile: string): AsyncGenerator<Finding> {
  yield node();
  let chat: Chat;
  let settings: ResolvedSettings;
  try {
    const given = await loadConfigFile(configFile);
    settings = resolveSettings(given);
    chat = assembled(given);
  } catch (error) {
    yield { level: 'error', text: sentence(error) };
    return;
  }
  yield { level: 'ok', text: `The settings in ${configFile} fit.` };
  yield* authentication(settings);
  // Both at once: each may take its time to say nothing.
  const parts = [inTime('The database', 'database', database(chat)), inTime('Redis', 'redis', redis(settings))];
  try {
    for (const part of parts) yield* await part;
  } finally {
    // What a black hole holds up need not be waited for: the process ends.
    await Promise.race([chat.close(), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
  }
}

/** A chat of these settings for looking at: classes loaded, models made, and nothing that goes to Redis by itself. */
function assembled(given: ChatSettings): Chat {
  const { redis: _, logLevel: __, ...others } = given;
  return createChat({ ...others, logger: createSilentLogger() });
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const name = `Node.js ${process.versions.node}`;
  return major > 20 || (major === 20 && minor >= 19)
    ? { level: 'ok', text: `${name} runs the chat.` }
    : { level: 'error', text: `${name} is too old: use 20.19 or later.` };
}

function* authentication({ authenticate }: ResolvedSettings): Generator<Finding> {
  if (!authenticate) {
    yield {
      level: 'warning',
      text: 'The setting authenticate is missing: a worker does without, an app needs it to let anybody in.',
    };
    return;
  }
  if (!(weakSecret in authenticate)) {
    yield { level: 'ok', text: 'authenticate is a function of yours, so its secrets were not looked at.' };
    return;
  }
  const weakness = authenticate[weakSecret] as { level: Finding['level']; why: string } | undefined;
  yield weakness
    ? {
        level: weakness.level,
        text: `The secret of jwtAuthentication ${weakness.why}: take 32 random bytes ("openssl rand -base64 32").`,
      }
    : { level: 'ok', text: 'The secret of jwtAuthentication is long enough.' };
}

async function database({ sequelize, models, settings }: Chat): Promise<Finding[]> {
  await reachDatabase(sequelize);
  const problems = await checkDatabase(sequelize, models);
  return [
    ...(sequelize.getDialect() === 'sqlite'
      ? [{ level: 'ok', text: 'SQLite answers; it is meant for one process.' } as const]
      : await checkServer(sequelize, settings)),
    ...passwordOf(sequelize),
    await migrations(sequelize, settings, problems.length === 0),
    ...(problems.length === 0
      ? [
          {
            level: 'ok',
            text: 'Tables, columns, character sets, collations, time precision and engine are as they must be.',
          } as const,
        ]
      : problems.map((text): Finding => ({ level: 'error', text }))),
    ...(await checkHostText(sequelize, models)),
  ];
}

async function migrations(sequelize: Sequelize, settings: ResolvedSettings, fits: boolean): Promise<Finding> {
  const { pending, applied } = await migrationState(sequelize, settings);
  const run =
    'run "npx express-realtime-chat migrations <folder>" and "npx sequelize-cli db:migrate", or call "await chat.migrate()"';
  if (pending.length === 0) return { level: 'ok', text: `All ${applied.length} migrations have run.` };
  if (applied.length === 0 && fits) {
    return {
      level: 'warning',
      text: `The tables are there, but no record of their migrations in SequelizeMeta: to have it, ${run} on a copy without data.`,
    };
  }
  return { level: 'error', text: `Migrations have not run (${pending.join(', ')}): ${run}.` };
}

function passwordOf(sequelize: Sequelize): Finding[] {
  if (sequelize.getDialect() === 'sqlite') return [];
  const { password } = sequelize.config as { password?: string | null };
  if (!isWellKnown(password ?? '')) return [{ level: 'ok', text: 'The password of the database is not a common one.' }];
  return [
    {
      level: 'warning',
      text: `The database is opened ${password ? 'with a password that anybody would try first' : 'without a password'}: give its user a long random one.`,
    },
  ];
}

async function redis(settings: ResolvedSettings): Promise<Finding[]> {
  if (settings.redis !== undefined)
    return [...(await inspectRedis(settings.redis)), ...passwordOfRedis(settings.redis)];
  return [
    { level: 'ok', text: 'No redis is set: queue and broadcast serve one process, without workers of their own.' },
  ];
}

/** One that only this machine reaches may do without a password. */
function passwordOfRedis(given: NonNullable<ResolvedSettings['redis']>): Finding[] {
  const url = typeof given === 'string' ? new URL(given) : undefined;
  const { host = 'localhost', password } =
    typeof given === 'object' ? given : { host: url?.hostname, password: decodeURIComponent(url?.password ?? '') };
  if (!isWellKnown(password ?? '')) return [{ level: 'ok', text: 'The password of Redis is not a common one.' }];
  if (/^(localhost|127\.[\d.]+|\[?::1\]?|\/.*)$/.test(host)) return [];
  return [
    {
      level: 'warning',
      text: `Redis is opened over the network ${password ? 'with a password that anybody would try first' : 'without a password'}: give it a long random one ("requirepass").`,
    },
  ];
}

/** The findings of one part; one error when it cannot be reached, or not in time. */
async function inTime(name: string, setting: string, findings: Promise<Finding[]>): Promise<Finding[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Error(
            `${name} did not answer within ${patience / 1000} s: check the setting ${setting}, and that it runs.`,
          ),
        ),
      patience,
    );
  });
  findings.catch(() => undefined);
  return Promise.race([findings, late])
    .catch((error: unknown): Finding[] => [{ level: 'error', text: sentence(error) }])
    .finally(() => clearTimeout(timer));
}

function sentence(error: unknown): string {
  const text = error instanceof Error && error.message ? error.message : String(error);
  return text.replace(/\s*\n\s*/g, ' ');
}

/** Prints what `examine` finds, a line each, and a line that sums up; resolves to whether there was an error. */
export async function runDoctor(configFile: string, write: (line: string) => void): Promise<boolean> {
  const findings: Finding[] = [];
  for await (const finding of examine(configFile)) {
    findings.push(finding);
    write(`${finding.level.padEnd(7)}  ${finding.text}\n`);
  }
  const errors = complaintsOf(findings, 'error').length;
  const warnings = complaintsOf(findings, 'warning').length;
  const count = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
  write(`\n${count(errors, 'error')}, ${count(warnings, 'warning')}.\n`);
  return errors > 0;
}
