#!/usr/bin/env node
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { runWorker } from '../../worker/index.js';
import { copyMigrations } from './migrations.js';

const help = `Usage: express-realtime-chat <command>

  worker [--config chat.config.js]   Works as a process of its own until SIGTERM or SIGINT. The config file's default
                                     export is the chat's settings, or a function that returns them.
  doctor [--config chat.config.js]   Looks at Node, settings, secrets, database, migrations and Redis, and prints a line
                                     for each thing that is ok, a warning or an error. Changes nothing; ends with 1 if
                                     there is an error.
  migrations <folder>                Copies the chat's migrations beside your own, for sequelize-cli. Run it again
                                     after an update: files that are there already are left as they are.
  --help                             Shows this.
  --version                          Shows the version.
`;

/** What was typed makes no sense. */
class UsageError extends Error {}

/** Runs the command line, `process.argv` without its first two. Resolves when it is done or, for a worker, is starting. */
async function main(args: string[]): Promise<void> {
  const [command, ...rest] = args;
  if (command === undefined || command === '--help' || command === '-h' || command === 'help' || wantsHelp(rest)) {
    process.stdout.write(help);
    if (command === undefined) process.exitCode = 2;
  } else if (command === '--version' || command === '-v') {
    const { version } = createRequire(import.meta.url)('express-realtime-chat/package.json') as { version: string };
    process.stdout.write(`${version}\n`);
  } else if (command === 'worker') {
    runWorker(configFile(rest));
  } else if (command === 'doctor') {
    await doctor(configFile(rest));
  } else if (command === 'migrations') {
    const [folder, ...more] = parse(() => parseArgs({ args: rest, allowPositionals: true })).positionals;
    if (!folder || more.length > 0) {
      throw new UsageError('Name one folder, that of your migrations: express-realtime-chat migrations <folder>.');
    }
    await migrations(folder);
  } else {
    throw new UsageError(`Unknown command ${command}: the commands are worker, doctor and migrations, see --help.`);
  }
}

function configFile(args: string[]): string {
  const { values } = parse(() => parseArgs({ args, options: { config: { type: 'string', short: 'c' } } }));
  return values.config ?? 'chat.config.js';
}

async function doctor(file: string): Promise<void> {
  // Only here: it loads the app's side too, which a worker has no use for.
  const { runDoctor } = await import('./doctor.js');
  const hasErrors = await runDoctor(file, (line) => process.stdout.write(line));
  // The config file may have opened what nobody closes.
  process.exit(hasErrors ? 1 : 0);
}

async function migrations(folder: string): Promise<void> {
  const { copied, kept, later } = await copyMigrations(folder);
  for (const name of copied) process.stdout.write(`copied ${name}\n`);
  process.stdout.write(`${copied.length} files copied to ${folder}, ${kept.length} were there already.\n`);
  if (later.length > 0) {
    process.stdout.write(
      `These of your own run after the chat's: ${later.join(', ')}. If one of them makes the users table, give it an earlier name.\n`,
    );
  }
}

const wantsHelp = (args: string[]) => args.includes('--help') || args.includes('-h');

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split('\n')[0]!.replace(/\.? To specify.*$/, '')}; see --help.`);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${text}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
