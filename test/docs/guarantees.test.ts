/** The page of guarantees names the test that shows each promise: these must be there. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { proseOf, root, tableRows } from './pages.js';

const page = 'docs/guarantees.md';

/** Links to tests: the title as text, the file as target. */
const links = [...proseOf(page).matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+\.test\.ts)\)/g)].map(
  ([, title, target]) => ({
    title: title!,
    file: join(dirname(page), target!),
  }),
);

/** The titles of a test file, as they are written there. */
function titlesOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  // The second way: what follows the table of an `it.each`.
  const titles = /(?:\b(?:it|test|describe)\b[^'"`\n]*|\)\()(?:\n\s*)?(['"`])(.+?)\1,/g;
  return [...text.matchAll(titles)].map(([, , title]) => title!);
}

describe('docs/guarantees.md', () => {
  test('names many tests', () => {
    expect(links.length).toBeGreaterThan(30);
  });

  test.each(links)('names a test of $file: $title', ({ title, file }) => {
    expect(titlesOf(file)).toContain(title);
  });

  test('shows every promise by a test', () => {
    const promises = tableRows(page).filter(([, shown]) => shown?.includes('../test/'));
    const heads = tableRows(page).filter(([head]) => head === 'promise');
    expect(heads).toHaveLength(7);
    expect(promises.length).toBeGreaterThan(25);
    const outages = tableRows(page).filter((row) => row.length === 3 && row[2]!.includes('../test/'));
    expect(outages).toHaveLength(6);
  });
});
