import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** This repository. */
export const REPOSITORY = join(import.meta.dirname, '..', '..');

const cli = join(dirname(createRequire(import.meta.url).resolve('sequelize-cli/package.json')), 'lib', 'sequelize');

/** Runs `npx sequelize-cli ...` as a user would, in a folder; resolves to its output and exit code. */
export function sequelizeCli(
  args: string[],
  env: Record<string, string> = {},
  cwd = REPOSITORY,
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { cwd, env: { ...process.env, ...env } }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr });
    });
  });
}
