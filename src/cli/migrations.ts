import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { migrationNames, migrationsFolder } from '../models/migrations-folder.js';

/** How to copy; the defaults are right for everybody but tests. */
export interface CopyMigrationsOptions {
  /** Copy from here instead of the package's own `migrations`. */
  readonly from?: string | undefined;
}

/** What `copyMigrations` did; names are relative to the folder. */
export interface CopiedMigrations {
  /** New in the folder now. */
  readonly copied: string[];
  /** There already; left as they are, changed or not. */
  readonly kept: string[];
  /**
   * The host's own migrations that sort after the first of ours. They run later than ours on a fresh database: right for
   * one that changes the chat's tables, wrong for the one that creates the users table.
   */
  readonly later: string[];
}

/**
 * Copies the package's migrations beside a host's own, for plain sequelize-cli. Their names are fixed, so that a name in
 * `SequelizeMeta` means the same everywhere, and ordered: they start with 20261121, the date of the first release, and
 * run after the host's users migration if that one is older (if not, give it an earlier name). What they share is in the
 * folder `chat-support`, which sequelize-cli does not enter. A later version of the package adds files and never changes
 * one that was released: run this again, and only the new ones are copied. Nothing is overwritten.
 *
 * @param folder the host's migrations folder; made when absent
 */
export async function copyMigrations(folder: string, options: CopyMigrationsOptions = {}): Promise<CopiedMigrations> {
  const from = options.from ?? migrationsFolder();
  const target = await stat(folder).catch(() => undefined);
  if (target && !target.isDirectory()) throw new Error(`${folder} is a file. Name the folder of your migrations.`);
  await mkdir(folder, { recursive: true });
  const ours = migrationNames(from);
  const theirs = migrationNames(folder).filter((name) => !ours.includes(name));

  const copied: string[] = [];
  const kept: string[] = [];
  // What is shared goes first, so that a copy that was cut short leaves no migration without it.
  for (const name of [...(await sharedFiles(from)), ...ours]) {
    try {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await copyFile(join(from, name), join(folder, name), constants.COPYFILE_EXCL);
      copied.push(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      kept.push(name);
    }
  }
  return { copied, kept, later: theirs.filter((name) => ours[0] !== undefined && name > ours[0]) };
}

async function sharedFiles(from: string): Promise<string[]> {
  const entries = await readdir(join(from, 'chat-support'), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(from, join(entry.parentPath, entry.name)))
    .sort();
}
