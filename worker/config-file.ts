import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ChatSettings } from '../src/settings/settings.js';

/**
 * The settings in a config file, an ES module or a CommonJS one: its default export (`module.exports`), which is the
 * settings object, or a function, async or not, that returns it.
 *
 * @param file resolved from the working directory
 * @throws one sentence that names the file
 */
export async function loadConfigFile(file: string): Promise<ChatSettings> {
  const full = path.resolve(file);
  if (!existsSync(full)) {
    throw new Error(
      `The config file ${file} does not exist: name with --config a file whose default export is the chat's settings.`,
    );
  }
  const settings = await evaluate(full).catch((error: unknown) => {
    throw new Error(`The config file ${file} failed: ${reasonOf(error)}`, { cause: error });
  });
  if (settings === null || typeof settings !== 'object' || Array.isArray(settings)) {
    throw new Error(
      `The config file ${file} must export the chat's settings as its default export, or a function that returns them, but gives ${described(settings)}.`,
    );
  }
  return settings as ChatSettings;
}

async function evaluate(file: string): Promise<unknown> {
  const { default: main } = (await import(pathToFileURL(file).href)) as { default?: unknown };
  // A CommonJS file that a compiler made from a default export.
  const isCompiled = typeof main === 'object' && main !== null && '__esModule' in main && 'default' in main;
  const exported = isCompiled ? main.default : main;
  return typeof exported === 'function' ? await exported() : exported;
}

function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  return Array.isArray(value) ? 'a list' : `a ${typeof value}`;
}

/** The first line of an error, and where in the host's own files it happened. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [text = error.name] = error.message.split('\n');
  const place = /file:\/\/[^\s)]+:\d+(?::\d+)?|\((\/[^\s)]+:\d+:\d+)\)/.exec(error.stack ?? '')?.[0];
  const isOurs = error.name === 'SettingsError' || place === undefined || place.includes('node_modules');
  return isOurs ? text : `${text.replace(/\.$/, '')} (${place.replace(/^\(|\)$/g, '')}).`;
}
