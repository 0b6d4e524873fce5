import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's `migrations` folder, found upwards from this file: it runs from `src` in tests and from `dist/src` elsewhere. */
export function migrationsFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'express-realtime-chat') {
      return join(folder, 'migrations');
    }
    const above = dirname(folder);
    if (above === folder)
      throw new Error('The migrations of express-realtime-chat are missing: install the package again.');
    folder = above;
  }
}

/** The migrations of a folder in the order they run, as sequelize-cli takes them: names that end in .cjs or .js, sorted. */
export function migrationNames(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.c?js$/.test(entry.name))
    .map((entry) => entry.name)
    .sort();
}
