/** The pages of the documentation as the tests see them: their code blocks, tables and links. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..');

/** A fenced block of code: its language, its file name where the fence gives one (```js app.js), and its text. */
export interface CodeBlock {
  readonly page: string;
  readonly language: string;
  readonly file: string | undefined;
  readonly code: string;
}

/** Every page that a reader finds, relative to the root. */
export function pageNames(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  return ['README.md', 'CHANGELOG.md', 'SECURITY.md', ...docs.sort().map((name) => `docs/${name}`)];
}

/** A page's text. */
export function readPage(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

/** A page's blocks of code, in order. */
export function codeBlocks(page: string): CodeBlock[] {
  return [...readPage(page).matchAll(/^ *```(\w+)(?: ([^\n]+))?\n([\s\S]*?)^ *```$/gm)].map(
    ([, language, file, code]) => ({ page, language: language!, file: file?.trim(), code: code! }),
  );
}

/** The blocks of all pages in one of these languages. Those of docs/api are signatures: nothing to run. */
export function blocksIn(...languages: string[]): CodeBlock[] {
  return pageNames()
    .filter((page) => !page.startsWith('docs/api/'))
    .flatMap(codeBlocks)
    .filter(({ language }) => languages.includes(language));
}

/** The block of a page with that file name. */
export function fileOf(page: string, file: string): string {
  const block = codeBlocks(page).find((one) => one.file === file);
  if (!block) throw new Error(`${page} has no block for the file ${file}.`);
  return block.code;
}

/** A page without its blocks of code. */
export function proseOf(page: string): string {
  return readPage(page).replace(/^ *```[\s\S]*?^ *```$/gm, '');
}

/** The rows of the tables of a page, each a list of cells; heads and rules included, escaped pipes given back. */
export function tableRows(page: string): string[][] {
  return proseOf(page)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .replaceAll('\\|', '\u0000')
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('\u0000', '|')),
    );
}

/** The anchors that the headings of a page make, as GitHub makes them. */
export function anchorsOf(page: string): string[] {
  return [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}
